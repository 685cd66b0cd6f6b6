"""What becomes of slots that overlap, and of slots that nobody was there for."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import UUID, uuid4
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect._backend.scheduler import USUAL, schedule_once
from prefect._base.clock import VirtualClock, now_us, to_us, use_clock
from prefect._base.slots import slots
from prefect._storage import flow_runs
from prefect.deployments._schedules import create_of
from prefect.schedules import Cron

STORES = ["sqlite", "postgres"]

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
NOON = to_us(datetime(2027, 6, 1, 12, tzinfo=timezone.utc))


@pytest.fixture
def clock():
    with use_clock(VirtualClock(NOON - 30 * MINUTE)) as made:
        yield made


@pytest.fixture
def deploy(http, backend):
    """Makes a deployment with one hourly schedule of some policy."""
    with backend.store.write() as cx:
        flow_id = str(UUID(bytes=flow_runs.flow_id_of(cx, "etl", now_us())))

    def make(cron="0 * * * *", **policy):
        schedule = {"schedule": {"cron": cron}, **policy}
        asked = {"name": f"d-{uuid4()}", "flow_id": flow_id, "schedules": [schedule]}
        return http.post("/deployments/", json=asked).json()

    return make


@pytest.fixture
def runs(http):
    """The runs of a deployment, by their slot."""

    def read(deployment):
        body = {"deployments": {"id": {"any_": [deployment["id"]]}}, "sort": "EXPECTED_START_TIME_ASC"}
        return http.post("/flow_runs/filter", json=body).json()

    return read


@pytest.fixture
def move(http):
    """Proposes a state for a run; the run's name of state afterwards."""

    def propose(run, state_type):
        http.post(f"/flow_runs/{run['id']}/set_state", json={"state": {"type": state_type}})
        return http.get(f"/flow_runs/{run['id']}").json()["state"]["name"]

    return propose


def slots_of(runs) -> list[str]:
    return [one["expected_start_time"][5:16] for one in runs]


def begin(run, move):
    assert move(run, "PENDING") == "Pending"
    assert move(run, "RUNNING") == "Running"


@pytest.fixture
def two_due(backend, clock, deploy, runs):
    """The runs of noon and of one o'clock, at one."""

    def make(**policy):
        deployment = deploy(**policy)
        schedule_once(backend, now_us())
        clock.advance(90 * 60)
        return runs(deployment)[:2]

    return make


def test_without_a_policy_runs_overlap(two_due, move):
    noon, one = two_due()
    begin(noon, move)
    begin(one, move)


def test_an_overlap_is_skipped_and_says_so(http, two_due, move):
    noon, one = two_due(overlap="skip")
    begin(noon, move)
    assert move(one, "PENDING") == "Skipped"
    state = http.get(f"/flow_runs/{one['id']}").json()["state"]
    assert state["type"] == "CANCELLED"
    assert f"'{noon['name']}' of the same schedule is still Running" in state["message"]


def test_an_overlap_waits_until_the_other_one_has_ended(http, two_due, move):
    noon, one = two_due(overlap="queue")
    assert (
        move(one, "PENDING") == "AwaitingConcurrencySlot"
    )  # the earlier slot comes first, though it has not begun
    begin(noon, move)
    assert move(one, "PENDING") == "AwaitingConcurrencySlot"
    move(noon, "COMPLETED")
    waiting = http.get(f"/flow_runs/{one['id']}").json()
    assert (
        to_us(datetime.fromisoformat(waiting["next_scheduled_start_time"].replace("Z", "+00:00"))) <= now_us()
    )
    begin(one, move)


def test_the_old_one_is_cancelled_and_the_new_one_starts_when_it_has_ended(two_due, move, http):
    noon, one = two_due(overlap="cancel_old")
    begin(noon, move)
    assert move(one, "PENDING") == "AwaitingConcurrencySlot"
    assert http.get(f"/flow_runs/{noon['id']}").json()["state"]["type"] == "CANCELLING"
    assert move(one, "PENDING") == "AwaitingConcurrencySlot"  # it has been asked to stop, and has not stopped
    assert move(noon, "CANCELLED") == "Cancelled"
    begin(one, move)


def test_another_schedule_of_the_deployment_does_not_count(http, backend, clock, deploy, runs, move):
    deployment = deploy(overlap="skip")
    other = [{"schedule": {"cron": "0 * * * *"}, "overlap": "skip"}]
    http.post(f"/deployments/{deployment['id']}/schedules", json=other)
    schedule_once(backend, now_us())
    clock.advance(45 * 60)
    first, second = runs(deployment)[:2]
    assert slots_of([first, second]) == ["06-01T12:00"] * 2
    begin(first, move)
    begin(second, move)


@pytest.mark.parametrize(
    ("catch_up", "ends"),
    [
        (None, ["Pending"] * 3),
        ("all", ["Pending"] * 3),
        ("latest", ["Skipped", "Skipped", "Pending"]),
        ("skip", ["Skipped", "Skipped", "Pending"]),
    ],
)
def test_runs_that_were_made_and_not_taken_up(backend, clock, deploy, runs, move, catch_up, ends):
    deployment = deploy(catch_up=catch_up)
    schedule_once(backend, now_us())
    clock.advance(2.5 * 3600 + 30)  # half a minute past the third slot
    assert [move(run, "PENDING") for run in runs(deployment)[:3]] == ends


@pytest.mark.parametrize(
    ("catch_up", "missed"),
    [
        (None, []),
        ("skip", []),
        ("latest", ["06-03T00:00"]),
        ("all", [f"06-0{day}T{hour:02d}:00" for day in (1, 2) for hour in range(24)][15:] + ["06-03T00:00"]),
    ],
)
def test_slots_for_which_nobody_made_runs(backend, clock, deploy, runs, catch_up, missed):
    deployment = deploy(catch_up=catch_up)
    schedule_once(backend, now_us())
    made = slots_of(runs(deployment))
    assert made == ["06-01T12:00", "06-01T13:00", "06-01T14:00"]
    clock.advance(36.75 * 3600)
    schedule_once(backend, now_us())
    assert [slot for slot in slots_of(runs(deployment)) if slot <= "06-03T00:15"] == made + missed


def test_more_than_a_round_makes_is_made_in_several(backend, clock, deploy, runs):
    deployment = deploy("* * * * *", catch_up="all")
    few = USUAL._replace(max_runs=10)
    schedule_once(backend, now_us(), few)
    clock.advance(3600)
    for _ in range(7):
        schedule_once(backend, now_us(), few)
    minutes = [f"06-01T{11 + m // 60}:{m % 60:02d}" for m in range(31, 90)]
    assert [slot for slot in slots_of(runs(deployment)) if slot < "06-01T12:30"] == minutes


def test_a_policy_can_be_given_changed_and_read_and_is_not_shown_where_there_is_none(client, http, deploy):
    plain, queued = deploy(), deploy(overlap="queue", catch_up="latest")
    assert not {"overlap", "catch_up"} & plain["schedules"][0].keys()
    assert queued["schedules"][0]["overlap"] == "queue"
    path = f"/deployments/{queued['id']}/schedules"
    schedule_id = queued["schedules"][0]["id"]
    assert http.patch(f"{path}/{schedule_id}", json={"overlap": "skip"}).status_code == 204
    (shown,) = http.get(path).json()
    assert (shown["overlap"], shown["catch_up"]) == ("skip", "latest")
    assert http.patch(f"{path}/{schedule_id}", json={"overlap": "never"}).status_code == 422


zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))
# rounds of a scheduler: how far the clock moves before each, forward (also a long downtime) or back
steps = st.lists(
    st.one_of(st.integers(1, 3600), st.integers(3600, 40 * 86_400), st.integers(-7200, -1)),
    min_size=1,
    max_size=6,
)
crons = st.sampled_from(["30 2 * * *", "0 1 * * *", "15 */6 * * *", "0 3 * * 0", "45 23 * * *"])
starts = st.integers(0, 2 * 365).map(
    lambda day: to_us(datetime(2026, 1, 1, 7, tzinfo=timezone.utc)) + day * 24 * HOUR
)


@pytest.fixture(scope="module")
def flow_id(backend):
    with backend.store.write() as cx:
        return str(UUID(bytes=flow_runs.flow_id_of(cx, "in every zone", now_us())))


@settings(max_examples=40, deadline=None)
@given(
    zone=zones,
    cron=crons,
    start=starts,
    steps=steps,
    catch_up=st.sampled_from([None, "all", "latest", "skip"]),
)
def test_no_slot_is_doubled_and_none_lost_that_the_policy_does_not_name(
    backend, http, flow_id, zone, cron, start, steps, catch_up
):
    """Across both changes of the clock in every zone, steps of the machine's clock, and downtime."""
    schedule = {"cron": cron, "timezone": zone}
    asked = {
        "name": f"d-{uuid4()}",
        "flow_id": flow_id,
        "schedules": [{"schedule": schedule, "catch_up": catch_up}],
    }
    deployment = http.post("/deployments/", json=asked).json()
    backend_id = UUID(deployment["id"]).bytes
    now, rounds = start, [start]
    schedule_once(backend, now)
    for step in steps:
        now += step * 1_000_000
        rounds.append(now)
        for _ in range(4):  # until a round has nothing more to make
            schedule_once(backend, now)
    with backend.store.write() as cx:
        rows = cx.rows("SELECT expected_start_time FROM flow_run WHERE deployment_id = ?", (backend_id,))
    made = sorted(row[0] for row in rows)
    assert len(made) == len(set(made))
    wanted = list(slots(schedule, start, max(rounds)))
    assert set(made) <= set(slots(schedule, start, max(made))) if made else not wanted
    lost = set(wanted) - set(made)
    if catch_up == "all":
        assert not lost
    else:  # what is lost was due while nobody scheduled: between two rounds, and behind what was made ahead
        assert all(any(a < slot <= b for a, b in zip(rounds, rounds[1:], strict=False)) for slot in lost)
    if catch_up == "latest" and wanted:
        assert wanted[-1] in made
    http.delete(f"/deployments/{deployment['id']}")


def test_the_schedules_of_python_carry_their_policies():
    made = create_of(Cron("@daily", overlap="queue", catch_up="latest", max_scheduled_runs=2, slug="s"))
    assert (made.overlap, made.catch_up, made.max_scheduled_runs, made.slug) == ("queue", "latest", 2, "s")
