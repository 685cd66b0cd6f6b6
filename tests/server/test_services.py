"""What a server does by itself: each round with its clock given, and the loop that makes them."""

from __future__ import annotations

import logging
import threading

import pytest

from databases import backend_on
from prefect._backend.protocol import NewFlowRun
from prefect._backend.retention import Policy
from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._base.ids import new_id
from prefect._services import (
    cancellation_cleanup,
    late_runs,
    lease_reaper,
    pause_expirations,
    retention,
)
from prefect._services.service import Service
from prefect._services.services import Services, enabled_services
from prefect._storage import audit, due, processes, task_runs
from prefect._storage.audit import AUDIT, AuditRecord
from prefect._storage.opening import open_store
from prefect.model.history import states_of
from prefect.model.records import ProcessRecord, StateRecord, TaskRunRecord
from prefect.settings import get_current_settings, temporary_settings

SECOND = 1_000_000
DAY = 86_400 * SECOND


@pytest.fixture
def clock():
    with use_clock(VirtualClock()) as clock:
        yield clock


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    """Where this test's own store is."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def backend(url):
    made = backend_on(open_store(url))
    yield made
    made.close()


def make(backend, state_type, name=None, *, executes=False, deployment=None, parent=None, **details):
    """A flow run in a state."""
    state = StateRecord(
        new_id(), state_type, name or state_type.title(), now_us(), None, None, details or None
    )
    new = NewFlowRun(
        id=new_id(), flow_name="a-flow", name="a-run", state=state, parameters={}, parent_flow_run_id=parent
    )
    run = backend.create_flow_run(new, executes=executes)
    changes = {"deployment_id": deployment, "next_scheduled_start_time": details.get("scheduled_time")}
    backend.update_flow_run(run.id, {key: value for key, value in changes.items() if value is not None})
    return run


def make_task_run(backend, flow_run, state_type="RUNNING"):
    run = TaskRunRecord(
        new_id(), flow_run.id, flow_run.attempt, "t", "t-0", now_us(), 1, None, None, None, state_type,
        state_type.title(), now_us(), start_time=now_us(), run_count=1,
    )  # fmt: skip
    with backend.store.write() as cx:
        task_runs.upsert(cx, [run])
    return run


def state_of(backend, run):
    state = backend.read_flow_run(run.id).state
    return state.type, state.name


# --- late runs --------------------------------------------------------------------------------------


class TestLateRuns:
    def test_a_run_is_late_after_its_time_and_not_before(self, backend, clock):
        at = clock.now_us() + 10 * SECOND
        run = make(backend, "SCHEDULED", scheduled_time=at)
        assert late_runs.run_once(backend, at + 14 * SECOND) == 0
        assert late_runs.run_once(backend, at + 16 * SECOND) == 1
        late = backend.read_flow_run(run.id)
        assert (late.state.name, late.state.details["scheduled_time"]) == ("Late", at)
        assert late.next_scheduled_start_time == at

    def test_only_once(self, backend, clock):
        make(backend, "SCHEDULED", scheduled_time=clock.now_us())
        assert late_runs.run_once(backend, clock.now_us() + DAY) == 1
        assert late_runs.run_once(backend, clock.now_us() + DAY) == 0

    @pytest.mark.parametrize("name", ["AwaitingRetry", "AwaitingConcurrencySlot", "Resuming", "Late"])
    def test_a_run_that_waits_for_something_else_is_not_late(self, backend, clock, name):
        make(backend, "SCHEDULED", name, scheduled_time=clock.now_us())
        assert late_runs.run_once(backend, clock.now_us() + DAY) == 0

    def test_how_late_is_a_setting(self, backend, clock):
        at = clock.now_us()
        make(backend, "SCHEDULED", scheduled_time=at)
        assert late_runs.run_once(backend, at + 30 * SECOND, after_seconds=60) == 0
        assert late_runs.run_once(backend, at + 61 * SECOND, after_seconds=60) == 1

    def test_a_round_has_an_end_and_the_next_goes_on(self, backend, clock):
        for _ in range(late_runs.BATCH + 1):
            make(backend, "SCHEDULED", scheduled_time=clock.now_us())
        later = clock.now_us() + DAY
        assert [late_runs.run_once(backend, later) for _ in range(3)] == [late_runs.BATCH, 1, 0]

    def test_a_run_that_moved_on_meanwhile_is_left_alone(self, backend, clock):
        run = make(backend, "SCHEDULED", scheduled_time=clock.now_us())
        (seen,) = due.late(backend.store, clock.now_us() + DAY, 10)
        backend.propose_flow_run_state(run.id, StateRecord(new_id(), "PENDING", "Pending", now_us()))
        backend.propose_flow_run_state(
            run.id, StateRecord(new_id(), "SCHEDULED", "Scheduled", now_us()), force=True
        )
        answer = backend.propose_flow_run_state(
            run.id, StateRecord(new_id(), "SCHEDULED", "Late", now_us()), only_if_state=seen.state_id
        )
        assert answer.status == "ABORT"
        assert state_of(backend, run) == ("SCHEDULED", "Scheduled")


# --- pauses -----------------------------------------------------------------------------------------


class TestPauseExpirations:
    def test_a_pause_ends_after_its_timeout(self, backend, clock):
        until = clock.now_us() + 60 * SECOND
        run = make(backend, "PAUSED", pause_timeout=until, pause_key="1")
        assert pause_expirations.run_once(backend, until - 1) == 0
        assert pause_expirations.run_once(backend, until + 1) == 1
        state = backend.read_flow_run(run.id).state
        assert (state.type, state.message) == ("FAILED", "The flow was failed and never resumed.")
        assert pause_expirations.run_once(backend, until + 1) == 0

    def test_a_pause_without_timeout_lasts(self, backend, clock):
        make(backend, "PAUSED", pause_key="1")
        assert pause_expirations.run_once(backend, clock.now_us() + 1000 * DAY) == 0

    def test_a_run_that_was_resumed_just_now_runs_on(self, backend, clock, monkeypatch):
        run = make(backend, "PAUSED", pause_timeout=clock.now_us() + SECOND, pause_key="1")
        seen = due.pauses_with_timeout(backend.store)
        backend.propose_flow_run_state(run.id, StateRecord(new_id(), "RUNNING", "Running", now_us()))
        monkeypatch.setattr(due, "pauses_with_timeout", lambda _: seen)  # as if it was resumed after the look
        assert pause_expirations.run_once(backend, clock.now_us() + DAY) == 0
        assert state_of(backend, run) == ("RUNNING", "Running")


# --- cancellation -----------------------------------------------------------------------------------


class TestCancellationCleanup:
    def test_task_runs_of_a_cancelled_run_are_cancelled(self, backend, clock):
        parent = make(backend, "CANCELLED")
        running = make_task_run(backend, parent)
        done = make_task_run(backend, parent, "COMPLETED")
        other = make_task_run(backend, make(backend, "RUNNING"))
        assert cancellation_cleanup.run_once(backend, clock.now_us()) == 1
        ended = backend.read_task_run(running.id)
        assert (ended.state_type, ended.state_name, ended.end_time is not None) == (
            "CANCELLED",
            "Cancelled",
            True,
        )
        assert [state.type for state in states_of(ended)] == ["PENDING", "RUNNING", "CANCELLED"]
        assert backend.read_task_run(done.id).state_type == "COMPLETED"
        assert backend.read_task_run(other.id).state_type == "RUNNING"
        assert cancellation_cleanup.run_once(backend, clock.now_us()) == 0

    @pytest.mark.parametrize(
        ("state", "deployed", "executed", "becomes"),
        [
            ("RUNNING", False, False, ("CANCELLED", "Cancelled")),
            ("PENDING", False, False, ("CANCELLED", "Cancelled")),
            ("RUNNING", True, False, ("CANCELLING", "Cancelling")),
            ("RUNNING", False, True, ("CANCELLING", "Cancelling")),
            ("SCHEDULED", True, False, ("CANCELLED", "Cancelled")),  # there is nothing to stop
            ("COMPLETED", False, False, ("COMPLETED", "Completed")),
            ("CANCELLING", True, False, ("CANCELLING", "Cancelling")),
        ],
    )
    def test_children_of_a_cancelled_run_are_cancelled(
        self, backend, clock, state, deployed, executed, becomes
    ):
        parent = make(backend, "CANCELLED")
        deployment = new_id() if deployed else None
        child = make(backend, state, parent=parent.id, deployment=deployment, executes=executed)
        cancellation_cleanup.run_once(backend, clock.now_us())
        assert state_of(backend, child) == becomes

    def test_grandchildren_follow(self, backend, clock):
        parent = make(backend, "CANCELLED")
        child = make(backend, "RUNNING", parent=parent.id)
        grandchild = make(backend, "RUNNING", parent=child.id)
        assert cancellation_cleanup.run_once(backend, clock.now_us()) == 1
        assert cancellation_cleanup.run_once(backend, clock.now_us()) == 1
        assert state_of(backend, grandchild) == ("CANCELLED", "Cancelled")

    def test_what_does_not_stop_is_given_up(self, backend, clock):
        run = make(backend, "CANCELLING")
        assert cancellation_cleanup.run_once(backend, clock.now_us() + 299 * SECOND) == 0
        assert cancellation_cleanup.run_once(backend, clock.now_us() + 301 * SECOND) == 1
        assert state_of(backend, run) == ("CANCELLED", "Cancelled")

    def test_what_was_cancelled_long_ago_is_left_alone(self, backend, clock):
        child = make(backend, "RUNNING", parent=make(backend, "CANCELLED").id)
        assert cancellation_cleanup.run_once(backend, clock.now_us() + 2 * DAY) == 0
        assert state_of(backend, child) == ("RUNNING", "Running")


# --- leases and retention ---------------------------------------------------------------------------


def test_a_run_whose_lease_has_expired_crashes(backend, clock):
    run = make(backend, "RUNNING", executes=True)
    elsewhere = ProcessRecord(
        new_id(), "another-host", "boot", 1, 1, clock.now_us() + 30 * SECOND, clock.now_us()
    )
    with backend.store.write() as cx:
        processes.insert(cx, elsewhere)
    backend.update_flow_run(run.id, {"owner": elsewhere.id})
    assert lease_reaper.run_once(backend, clock.now_us()) == 0
    clock.advance(31)
    assert lease_reaper.run_once(backend, clock.now_us()) == 1
    assert state_of(backend, run) == ("CRASHED", "Crashed")


def test_old_runs_and_old_entries_of_the_audit_log_are_forgotten(backend, clock):
    old = make(backend, "COMPLETED")
    clock.advance(5 * 86_400)
    young = make(backend, "COMPLETED")
    now = clock.now_us()
    with backend.store.write() as cx:
        for days in (1, 20):
            at = now - days * DAY
            entry_id = (at // 1000).to_bytes(6, "big") + new_id()[6:]
            audit.insert(cx, [AuditRecord(entry_id, at, "ann", "x", "POST", "/", 200, None)])
    clock.advance(7 * 86_400)
    while retention.run_once(backend, clock.now_us(), policy=Policy(10, 0)):
        pass
    assert [run.id for run in backend.find_flow_runs()] == [young.id]
    assert old.id != young.id
    assert [(now - one.timestamp) // DAY for one in AUDIT.find(backend.store)] == [1]


# --- indexes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_no_round_reads_a_whole_table(backend, clock, monkeypatch):
    """Every query of a round, with 1,000 runs of which few are due, by the plan that SQLite makes for it."""
    with backend.store.write():
        for _ in range(1000):
            make(backend, "COMPLETED")
    make_task_run(backend, make(backend, "CANCELLED"))
    plans = []

    def explain(sql, values):
        plans.extend(row[3] for row in plain(f"EXPLAIN QUERY PLAN {sql}", values))
        return plain(sql, values)

    plain = backend.store.rows
    monkeypatch.setattr(backend.store, "rows", explain)
    for round_ in (late_runs, pause_expirations, cancellation_cleanup):
        round_.run_once(backend, clock.now_us())
    used = " ".join(plans)
    for index in ("due", "paused", "cancelling", "cancelled", "by_parent"):
        assert f"flow_run_{index}" in used
    assert "task_run_unfinished" in used
    assert [plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan] == []
    assert "TEMP B-TREE" not in used


# --- the loop ---------------------------------------------------------------------------------------


class Rounds:
    """Counts rounds; each of its answers, or errors, is for one round, the last for all that follow."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.count = 0
        self.made = threading.Condition()

    def __call__(self, backend, now):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        with self.made:
            self.count += 1
            self.made.notify_all()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def wait_for(self, count):
        with self.made:
            assert self.made.wait_for(lambda: self.count >= count, 20)


def test_a_service_begins_at_once_and_stops_at_once(backend):
    rounds = Rounds(0)
    service = Service("s", 3600, rounds)
    service.start(lambda: backend)
    rounds.wait_for(1)
    service.start(lambda: backend)  # changes nothing
    assert service.is_running
    service.stop()
    assert not service.is_running
    assert rounds.count == 1


def test_a_service_that_was_stopped_starts_again(backend):
    rounds = Rounds(0)
    service = Service("s", 3600, rounds)
    for count in (1, 2):
        service.start(lambda: backend)
        rounds.wait_for(count)
        service.stop()


def test_an_error_is_logged_and_the_loop_goes_on(backend, caplog):
    rounds = Rounds(ZeroDivisionError("oops"), 0)
    service = Service("s", 0.001, rounds)
    with caplog.at_level(logging.ERROR):
        service.start(lambda: backend)
        rounds.wait_for(3)
        service.stop()
    assert "The service s failed" in caplog.text
    assert "oops" in caplog.text


def test_a_store_that_is_not_there_yet_is_waited_for(backend, caplog):
    stores = iter([None])

    def find():
        if next(stores, backend) is None:
            raise OSError("no store")
        return backend

    rounds = Rounds(0)
    service = Service("s", 0.001, rounds)
    service.start(find)
    rounds.wait_for(1)
    service.stop()
    assert "no store" in caplog.text


@pytest.mark.parametrize(
    ("answer", "batch", "waits"),
    [(10, 10, 0.05), (9, 10, 60), (0, 1, 60), (99, None, 60), (ValueError(), 1, 60)],
)
def test_where_work_is_left_the_next_round_follows_at_once(backend, answer, batch, waits):
    assert Service("s", 60, Rounds(answer), batch=batch).round(backend) == waits


@pytest.mark.parametrize(
    ("only_leader", "leads", "rounds"), [(True, True, 1), (True, False, 0), (False, False, 1)]
)
def test_of_several_servers_one_does_it(backend, only_leader, leads, rounds):
    counted = Rounds(0)
    asked = []

    def is_leader(name):
        asked.append(name)
        return leads

    Service("s", 60, counted, only_leader=only_leader).round(backend, is_leader)
    assert counted.count == rounds
    assert asked == (["s"] if only_leader else [])


def test_the_settings_decide_which_there_are():
    everything = {
        "scheduler": 5.0,
        "foreman": 15.0,
        "lease-repossessor": 15.0,
        "late-runs": 5.0,
        "pause-expirations": 5.0,
        "cancellation-cleanup": 20.0,
        "lease-reaper": 5.0,
        "recovery": 5.0,
        "retention": 3600.0,
        "event-retention": 600.0,
    }
    assert {one.name: one.seconds for one in enabled_services(get_current_settings())} == everything
    names = ("LATE_RUNS", "PAUSE_EXPIRATIONS", "SCHEDULER", "FOREMAN")
    off = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": False for name in names}
    with temporary_settings({**off, "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": 7}):
        some = {one.name: one.seconds for one in enabled_services(get_current_settings())}
    assert some == {
        "cancellation-cleanup": 7,
        "lease-repossessor": 15.0,
        "lease-reaper": 5.0,
        "recovery": 5.0,
        "retention": 3600.0,
        "event-retention": 600.0,
    }


def test_they_work_together(backend):
    run = make(backend, "SCHEDULED", scheduled_time=now_us() - 60 * SECOND)
    services = Services(enabled_services(get_current_settings()), lambda: backend)
    is_late = threading.Event()
    [late] = [one for one in services.services if one.name == "late-runs"]
    ask = late._run_once

    def told(*args):
        done = ask(*args)
        is_late.set()
        return done

    late._run_once = told
    services.start()
    assert is_late.wait(20)
    services.stop()
    assert state_of(backend, run) == ("SCHEDULED", "Late")
    assert not any(one.is_running for one in services.services)
