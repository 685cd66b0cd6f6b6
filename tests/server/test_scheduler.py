"""The runs of schedules, made ahead of their time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from prefect._backend.scheduler import BATCH, USUAL, schedule_once
from prefect._base.clock import UTC, now_us, to_us
from prefect._storage import flow_runs

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

MINUTE = 60 * 1_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = to_us(datetime(2027, 6, 1, 12, tzinfo=UTC))


@pytest.fixture
def deploy(http, backend):
    """Makes a deployment with schedules."""
    with backend.store.write() as cx:
        flow_id = str(UUID(bytes=flow_runs.flow_id_of(cx, "etl", now_us())))

    def make(*schedules, **fields):
        asked = {"name": f"d-{uuid4()}", "flow_id": flow_id, "schedules": schedules, **fields}
        return http.post("/deployments/", json=asked).json()

    return make


@pytest.fixture
def runs(http):
    """The runs of a deployment that wait, by their time."""

    def read(deployment):
        body = {"deployment_ids": [deployment["id"]]}
        return http.post("/deployments/get_scheduled_flow_runs", json=body).json()

    return read


def every(seconds: float, **fields):
    return {"schedule": {"interval": seconds, "anchor_date": "2027-06-01T00:00:00Z"}, **fields}


def times(runs) -> list[str]:
    return [one["next_scheduled_start_time"][5:16] for one in runs]


def test_three_runs_are_made_ahead_or_as_many_as_reach_an_hour(backend, deploy, runs):
    daily, often = deploy(every(86400)), deploy(every(600))
    schedule_once(backend, NOON)
    assert times(runs(daily)) == ["06-02T00:00", "06-03T00:00", "06-04T00:00"]
    assert times(runs(often)) == [f"06-01T12:{minute}0" for minute in range(1, 6)] + ["06-01T13:00"]


def test_a_run_has_what_deployment_and_schedule_give_it(backend, deploy, runs):
    schedule = {"schedule": {"cron": "0 5 * * *", "timezone": "Europe/Berlin"}, "parameters": {"b": 3}}
    made = deploy(schedule, parameters={"a": 1, "b": 2}, tags=["x"], version="1", labels={"team": "data"})
    schedule_once(backend, NOON)
    run = runs(made)[0]
    assert (run["parameters"], run["tags"]) == ({"a": 1, "b": 3}, ["auto-scheduled", "x"])
    assert (run["auto_scheduled"], run["deployment_version"]) == (True, "1")
    assert run["next_scheduled_start_time"] == run["expected_start_time"] == "2027-06-02T03:00:00Z"
    by = {"id": made["schedules"][0]["id"], "type": "SCHEDULE", "display_value": "CronSchedule"}
    assert run["created_by"] == by
    assert (run["state"]["message"], run["labels"]["team"]) == ("Flow run scheduled", "data")
    assert run["idempotency_key"] == (
        f"scheduled {made['id']} {made['schedules'][0]['id']} 2027-06-02 03:00:00+00:00"
    )


def test_rounds_add_what_is_missing_and_double_nothing(backend, deploy, runs):
    daily, often = deploy(every(86400)), deploy(every(600))
    for now in range(NOON, NOON + 3 * DAY, 10 * MINUTE):
        schedule_once(backend, now)
    days = times(runs(daily))
    assert days == [f"06-0{day}T00:00" for day in range(2, 8)]
    moments = [one["next_scheduled_start_time"] for one in runs(often)]
    assert len(moments) == len(set(moments))
    gaps = {
        datetime.fromisoformat(other.replace("Z", "+00:00"))
        - datetime.fromisoformat(one.replace("Z", "+00:00"))
        for one, other in zip(moments, moments[1:], strict=False)
    }
    assert gaps == {timedelta(minutes=10)}


def test_what_was_due_while_nobody_scheduled_is_past(backend, deploy, runs):
    made = deploy(every(86400))
    schedule_once(backend, NOON)
    schedule_once(backend, NOON + 30 * DAY)
    assert times(runs(made))[3:] == ["07-02T00:00", "07-03T00:00", "07-04T00:00"]


def test_two_schedulers_make_a_run_once(backend, deploy, runs):
    made = deploy(every(86400))
    schedule_once(backend, NOON)
    with (
        backend.store.write() as cx
    ):  # as a second one that has read the schedule before the first has written
        cx.execute("UPDATE deployment_schedule SET scheduled_until = 0, look_again = 0")
    schedule_once(backend, NOON)
    assert len(runs(made)) == 3


def test_there_are_at_most_as_many_as_are_wanted_and_no_further_than_that(backend, deploy, runs):
    often = deploy(every(1))
    few = deploy(every(60, max_scheduled_runs=2))
    rare = deploy({"schedule": {"cron": "0 0 1 * *"}})
    schedule_once(backend, NOON)
    assert (len(runs(often)), len(runs(few))) == (100, 2)
    assert times(runs(rare)) == ["07-01T00:00", "08-01T00:00", "09-01T00:00"]
    schedule_once(backend, NOON + 90 * MINUTE)  # nothing more until 100 days ahead reach the next one
    assert len(runs(rare)) == 3
    other = deploy(every(86400))
    schedule_once(backend, NOON, USUAL._replace(min_runs=5))
    assert len(runs(other)) == 5


def test_changing_a_schedule_makes_its_runs_anew(backend, http, deploy, runs):
    made = deploy(every(86400, slug="a"), every(43200, slug="b"))
    schedule_once(backend, NOON)
    assert len(runs(made)) == 6
    ids = {one["slug"]: one["id"] for one in made["schedules"]}
    path = f"/deployments/{made['id']}/schedules"
    http.patch(f"{path}/{ids['a']}", json={"schedule": {"cron": "0 7 * * *"}})
    assert len(runs(made)) == 3
    schedule_once(backend, NOON)
    assert times(runs(made)).count("06-02T07:00") == 1
    http.patch(f"{path}/{ids['a']}", json={"active": False})
    http.delete(f"{path}/{ids['b']}")
    schedule_once(backend, NOON)
    assert runs(made) == []


def test_pausing_removes_the_runs_that_were_made_ahead_and_no_others(backend, http, deploy, runs):
    made = deploy(every(86400))
    by_hand = http.post(f"/deployments/{made['id']}/create_flow_run", json={}).json()
    schedule_once(backend, NOON)
    assert len(runs(made)) == 4
    http.post(f"/deployments/{made['id']}/pause_deployment")
    schedule_once(backend, NOON)
    assert [one["id"] for one in runs(made)] == [by_hand["id"]]
    http.post(f"/deployments/{made['id']}/resume_deployment")
    schedule_once(backend, NOON)
    assert len(runs(made)) == 4


def test_a_deployment_that_is_made_paused_has_no_runs(backend, http, deploy, runs):
    made = deploy(every(86400), paused=True)
    schedule_once(backend, NOON)
    assert runs(made) == []
    http.post(f"/deployments/{made['id']}/resume_deployment")
    schedule_once(backend, NOON)
    assert len(runs(made)) == 3


def test_other_parameters_are_those_of_the_runs_that_come(backend, http, deploy, runs):
    made = deploy(every(86400), parameters={"a": 1})
    schedule_once(backend, NOON)
    http.patch(f"/deployments/{made['id']}", json={"description": "the same runs"})
    before = runs(made)
    assert len(before) == 3
    http.patch(f"/deployments/{made['id']}", json={"parameters": {"a": 2}})
    schedule_once(backend, NOON)
    assert [one["parameters"] for one in runs(made)] == [{"a": 2}] * 3


def test_a_run_that_somebody_has_deleted_does_not_come_back(backend, deploy, runs):
    made = deploy(every(86400))
    schedule_once(backend, NOON)
    first = runs(made)[0]
    backend.delete_flow_runs([UUID(first["id"]).bytes])
    for now in range(NOON, NOON + DAY, HOUR):
        schedule_once(backend, now)
    assert first["next_scheduled_start_time"] not in [one["next_scheduled_start_time"] for one in runs(made)]


def test_a_round_takes_a_batch_and_the_next_one_the_rest(backend, deploy, runs):
    while schedule_once(backend, NOON):  # of other tests
        pass
    made = [deploy(every(86400)) for _ in range(BATCH + 1)]
    assert (schedule_once(backend, NOON), schedule_once(backend, NOON)) == (BATCH, 1)
    assert schedule_once(backend, NOON) == 0
    assert all(len(runs(one)) == 3 for one in (made[0], made[-1]))


def test_runs_are_made_between_two_times_where_somebody_asks_for_it(http, deploy, runs):
    made = deploy(every(600))
    between = {"start_time": "2027-06-01T00:00:00Z", "end_time": "2027-06-01T00:30:00Z", "min_runs": 10}
    for _ in range(2):
        assert http.post(f"/deployments/{made['id']}/schedule", json=between).status_code == 200
    assert times(runs(made)) == [f"06-01T00:{minute}0" for minute in range(4)]
