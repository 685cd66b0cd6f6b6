"""The rules of flow runs: the whole table of transitions, each rule by its number, and the books."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect._base.ids import new_id, new_uuid
from prefect._orchestration import (
    Abort,
    Accept,
    DeploymentLimit,
    Facts,
    Reject,
    Transition,
    Wait,
    decide,
    open_attempt,
)
from prefect.exceptions import Abort as AbortSignal
from prefect.model.records import FlowRunRecord, StateRecord

T0 = 1_700_000_000_000_000
SECOND = 1_000_000
NOW = T0 + 100 * SECOND
TYPES = "SCHEDULED PENDING RUNNING COMPLETED FAILED CANCELLED CRASHED PAUSED CANCELLING".split()
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
PERSISTED = {"storage_key": "k"}

# from (down) to (across), without a deployment and without retries, of a run that a process executes unless it is
# Scheduled or has ended: A accepted, J rejected and kept, X aborted, C rejected into Cancelled. Where a deployment
# makes a difference, it is below.
TABLE = """
              SCHEDULED PENDING RUNNING COMPLETED FAILED CANCELLED CRASHED PAUSED CANCELLING
SCHEDULED     A         A       A       A         A      A         A       J      C
PENDING       A         X       A       A         A      A         A       J      A
RUNNING       A         X       A       A         A      A         A       A      A
COMPLETED     X         A       A       A         A      A         X       X      X
FAILED        X         A       A       A         A      A         X       X      X
CANCELLED     X         X       A       A         A      A         X       X      X
CRASHED       X         A       A       A         A      A         X       X      X
PAUSED        A         J       A       A         A      A         A       J      A
CANCELLING    J         J       J       J         J      A         J       J      J
"""
WITH_DEPLOYMENT = {(source, "SCHEDULED"): "A" for source in TERMINAL}


def expected(table):
    header, *rows = [line.split() for line in table.strip().splitlines()]
    return {(row[0], target): answer for row in rows for target, answer in zip(header, row[1:])}


def state(state_type, name=None, at=NOW, *, message=None, data=None, **details):
    return StateRecord(new_id(), state_type, name or state_type.title(), at, message, data, details or None)


def run(present, **changes):
    if isinstance(present, str):
        present = state(present, at=T0 + 50 * SECOND)
    record = FlowRunRecord(
        id=new_id(),
        name="calm-otter",
        flow_id=new_id(),
        flow_name="etl",
        state=present,
        created=T0,
        updated=T0,
        attempt=1,
        run_count=1 if present.type not in {"SCHEDULED", "PENDING"} else 0,
        expected_start_time=T0,
        start_time=T0 + 10 * SECOND if present.type not in {"SCHEDULED", "PENDING"} else None,
        end_time=present.timestamp if present.type in TERMINAL else None,
    )
    return record._replace(**changes)


def ask(present, proposed, *, facts=None, **options):
    changes = {key: options.pop(key) for key in list(options) if key not in {"force", "attempt", "now"}}
    record = present if isinstance(present, FlowRunRecord) else run(present, **changes)
    proposed = state(proposed) if isinstance(proposed, str) else proposed
    options.setdefault("now", NOW)
    return decide(Transition(run=record, proposed=proposed, facts=facts or Facts(), **options))


def limited(limit=1, *, free=1, holds=False, strategy="ENQUEUE"):
    return Facts(lambda: DeploymentLimit(limit, strategy), lambda: free, lambda: holds)


def unlimited():
    return Facts(deployment=DeploymentLimit)


def owner_in(state_type):
    """Who executes a run that is in such a state."""
    return None if state_type == "SCHEDULED" or state_type in TERMINAL else new_id()


def code(decision):
    if isinstance(decision, Reject):
        return "J" if decision.state is None else decision.state.type[0]
    return {Accept: "A", Abort: "X", Wait: "W"}[type(decision)]


class TestTable:
    @pytest.mark.parametrize(("pair", "answer"), expected(TABLE).items(), ids=lambda x: "-".join(x))
    def test_without_a_deployment(self, pair, answer):
        assert code(ask(*pair, owner=owner_in(pair[0]))) == answer

    @pytest.mark.parametrize(("pair", "answer"), expected(TABLE).items(), ids=lambda x: "-".join(x))
    def test_with_a_deployment(self, pair, answer):
        decision = ask(*pair, deployment_id=new_id(), owner=owner_in(pair[0]), facts=unlimited())
        assert code(decision) == WITH_DEPLOYMENT.get(pair, answer)

    @pytest.mark.parametrize("source", TYPES)
    @pytest.mark.parametrize("target", TYPES)
    def test_forced_nearly_all_is_accepted(self, source, target):
        nothing_to_kill = (source, target) == ("SCHEDULED", "CANCELLING")
        answer = code(ask(source, target, owner=owner_in(source), force=True))
        assert answer == ("C" if nothing_to_kill else "A")


class TestRule1LeaseId:
    def test_the_lease_goes_on_from_state_to_state(self):
        present = state("PENDING", at=T0, deployment_concurrency_lease_id="lease")
        assert ask(present, "COMPLETED").state.details == {"deployment_concurrency_lease_id": "lease"}
        assert ask(present, "COMPLETED", force=True).state.details == {
            "deployment_concurrency_lease_id": "lease"
        }

    def test_another_one_is_not_overwritten(self):
        present = state("PENDING", at=T0, deployment_concurrency_lease_id="old")
        proposed = state("COMPLETED", deployment_concurrency_lease_id="new")
        assert ask(present, proposed).state.details == {"deployment_concurrency_lease_id": "new"}


class TestRule2Duplicate:
    def test_a_transition_is_made_once(self):
        transition = str(new_uuid())
        present = state("RUNNING", at=T0, transition_id=transition)
        assert code(ask(present, state("RUNNING", transition_id=transition))) == "J"
        assert code(ask(present, state("RUNNING", transition_id=str(new_uuid())))) == "A"
        assert code(ask(present, "COMPLETED")) == "A"

    def test_also_when_it_was_the_last_one(self):
        transition = str(new_uuid())
        present = state("COMPLETED", at=T0, transition_id=transition)
        assert code(ask(present, state("COMPLETED", transition_id=transition), attempt=1)) == "J"


class TestRule3LeavingTheEnd:
    @pytest.mark.parametrize("target", ["SCHEDULED", "PENDING", "RUNNING"])
    def test_a_persisted_result_is_not_run_again(self, target):
        done = state("COMPLETED", at=T0, data=PERSISTED)
        assert code(ask(done, target, deployment_id=new_id())) == "J"

    @pytest.mark.parametrize("force", [True, False])
    def test_nor_is_it_lost(self, force):
        done = state("COMPLETED", at=T0, data=PERSISTED)
        assert code(ask(done, "COMPLETED", force=force)) == "J"
        assert code(ask(done, state("COMPLETED", data=PERSISTED), force=force)) == "A"
        assert code(ask(done, "FAILED", force=force)) == "A"

    def test_a_run_that_starts_over_forgets_its_pauses(self):
        policy = {"retries": 3, "pause_keys": ["a"], "resuming": True}
        decision = ask("FAILED", "SCHEDULED", deployment_id=new_id(), policy=policy)
        assert decision.changes["policy"] == {
            "retries": 3,
            "pause_keys": [],
            "resuming": False,
            "retry_type": "reschedule",
        }
        assert ask("CRASHED", "PENDING", policy=policy).changes["policy"]["pause_keys"] == []


class TestRule4Cancelling:
    def test_only_cancelled_follows(self):
        assert code(ask("CANCELLING", "CANCELLED")) == "A"
        kept = ask("CANCELLING", "COMPLETED", attempt=1, owner=new_id())
        assert (code(kept), kept.changes) == ("J", {})


class TestRule5NothingToKill:
    def test_a_scheduled_run_is_cancelled_at_once(self):
        decision = ask("SCHEDULED", state("CANCELLING", message="enough"))
        assert (decision.state.type, decision.state.name, decision.state.message) == (
            "CANCELLED",
            "Cancelled",
            "enough",
        )
        assert decision.changes["end_time"] == decision.state.timestamp

    def test_unless_its_infrastructure_is_there_already(self):
        started = {"deployment_id": new_id(), "infrastructure_pid": "host:123"}
        assert code(ask("SCHEDULED", "CANCELLING", **started)) == "A"
        assert code(ask(state("SCHEDULED", "Resuming", at=T0), "CANCELLING", **started)) == "C"

    def test_unless_a_process_waits_to_try_again(self):
        waiting = state("SCHEDULED", "AwaitingRetry", at=T0)
        assert code(ask(waiting, "CANCELLING", owner=new_id())) == "A"

    def test_a_suspended_run_is_cancelled_at_once_a_paused_one_is_not(self):
        deployed = {"deployment_id": new_id()}
        assert code(ask(state("PAUSED", at=T0, pause_reschedule=True), "CANCELLING", **deployed)) == "C"
        assert code(ask("PAUSED", "CANCELLING", **deployed)) == "A"

    def test_the_stages_of_a_submission_follow_each_other(self):
        pending = state("PENDING", at=T0, scheduled_time=T0)
        submitting = ask(pending, state("PENDING", "Submitting"))
        assert code(submitting) == "A"
        assert submitting.state.details["scheduled_time"] == T0
        assert code(ask(submitting.state, state("PENDING", "InfrastructurePending"))) == "A"

    @pytest.mark.parametrize("name", ["Submitting", "Pending"])
    def test_but_not_twice_the_same_nor_back(self, name):
        assert code(ask(state("PENDING", "Submitting", at=T0), state("PENDING", name))) == "X"


class TestRule7SlotToRun:
    def test_the_slot_that_is_held_is_renewed(self):
        decision = ask("PENDING", "RUNNING", deployment_id=new_id(), facts=limited(holds=True, free=0))
        assert (code(decision), decision.slot) == ("A", "renew")

    def test_an_expired_one_is_taken_anew(self):
        decision = ask("PENDING", "RUNNING", deployment_id=new_id(), facts=limited(free=1))
        assert (code(decision), decision.slot) == ("A", "take")
        assert decision.state.details["deployment_concurrency_lease_id"]

    def test_or_the_run_is_cancelled(self):
        decision = ask("PENDING", "RUNNING", deployment_id=new_id(), facts=limited(free=0))
        assert (code(decision), decision.slot) == ("C", "release")

    def test_without_a_limit_there_is_no_slot(self):
        assert ask("PENDING", "RUNNING", deployment_id=new_id(), facts=unlimited()).slot is None
        assert ask("PENDING", "RUNNING", facts=limited(free=0)).slot is None


class TestRule8TakeSlot:
    @pytest.mark.parametrize("source", ["SCHEDULED", "FAILED", "CRASHED"])
    def test_a_free_slot_is_taken(self, source):
        decision = ask(source, "PENDING", deployment_id=new_id(), facts=limited())
        assert (code(decision), decision.slot) == ("A", "take")
        assert decision.state.details["deployment_concurrency_lease_id"]

    def test_without_one_the_run_waits(self):
        decision = ask("SCHEDULED", "PENDING", deployment_id=new_id(), facts=limited(free=0))
        assert (decision.state.type, decision.state.name) == ("SCHEDULED", "AwaitingConcurrencySlot")
        assert decision.state.details["scheduled_time"] == NOW + 30 * SECOND
        assert decision.changes["next_scheduled_start_time"] == NOW + 30 * SECOND
        assert decision.slot is None

    def test_or_is_cancelled_if_that_was_chosen(self):
        facts = limited(free=0, strategy="CANCEL_NEW")
        assert code(ask("SCHEDULED", "PENDING", deployment_id=new_id(), facts=facts)) == "C"

    def test_a_limit_of_zero_and_a_lost_deployment_stop_it(self):
        assert code(ask("SCHEDULED", "PENDING", deployment_id=new_id(), facts=limited(0, free=0))) == "X"
        assert code(ask("SCHEDULED", "PENDING", deployment_id=new_id(), facts=Facts())) == "X"

    def test_the_store_is_not_asked_in_vain(self):
        def never():
            pytest.fail("asked")

        facts = Facts(never, never, never)
        assert code(ask("SCHEDULED", "PENDING", facts=facts)) == "A"
        assert code(ask("RUNNING", "COMPLETED", deployment_id=new_id(), facts=facts)) == "A"


class TestRule9Late:
    def test_only_scheduled_runs_are_late_and_once(self):
        late = state("SCHEDULED", "Late")
        assert code(ask("SCHEDULED", late)) == "A"
        assert code(ask("RUNNING", late)) == "J"
        assert code(ask(state("SCHEDULED", "Late", at=T0), late)) == "J"

    @pytest.mark.parametrize(
        ("free", "strategy", "becomes"), [(0, "CANCEL_NEW", "C"), (1, "CANCEL_NEW", "A"), (0, "ENQUEUE", "A")]
    )
    def test_a_late_run_of_a_full_deployment_without_queue_is_cancelled(self, free, strategy, becomes):
        facts = limited(free=free, strategy=strategy)
        late = state("SCHEDULED", "Late")
        assert code(ask("SCHEDULED", late, deployment_id=new_id(), facts=facts)) == becomes


class TestRule10Pause:
    def test_the_key_of_a_pause_is_kept(self):
        decision = ask("RUNNING", state("PAUSED", pause_key="b"), policy={"pause_keys": ["a"]})
        assert decision.changes["policy"]["pause_keys"] == ["a", "b"]

    def test_a_pause_without_a_key_gets_one(self):
        assert len(ask("RUNNING", "PAUSED").changes["policy"]["pause_keys"]) == 1

    def test_a_pause_fires_once(self):
        decision = ask("RUNNING", state("PAUSED", pause_key="a"), policy={"pause_keys": ["a"]})
        assert code(decision) == "J"
        assert "already fired" in decision.reason

    @pytest.mark.behaviour(66)
    def test_who_cannot_be_started_again_cannot_be_suspended(self):
        suspended = state("PAUSED", "Suspended", pause_reschedule=True)
        without = ask("RUNNING", suspended)
        assert (code(without), without.reason) == ("X", "Cannot suspend flows without a deployment.")
        child = ask("RUNNING", suspended, deployment_id=new_id(), parent_task_run_id=new_id())
        assert (code(child), child.reason) == ("X", "Cannot suspend subflows.")
        assert code(ask("RUNNING", suspended, deployment_id=new_id())) == "A"


class TestRule11Resume:
    @pytest.mark.parametrize("target", ["RUNNING", "SCHEDULED", "COMPLETED", "CANCELLED"])
    def test_too_late_is_failed(self, target):
        present = state("PAUSED", at=T0, pause_timeout=NOW - 1)
        decision = ask(present, target)
        assert code(decision) == "F"
        assert decision.state.message == "The flow was failed and never resumed."
        assert code(ask(present, "CANCELLING", owner=new_id())) == "A"

    def test_the_last_moment_is_in_time(self):
        assert code(ask(state("PAUSED", at=T0, pause_timeout=NOW), "RUNNING")) == "A"

    def test_in_time_the_run_goes_on_in_the_same_try(self):
        decision = ask(state("PAUSED", at=T0, pause_timeout=NOW + 1), "RUNNING", policy={"pause_keys": ["a"]})
        assert code(decision) == "A"
        assert "run_count" not in decision.changes
        assert decision.changes["policy"] == {"pause_keys": ["a"], "resuming": False}

    def test_a_suspended_run_resumes_elsewhere(self):
        present = state("PAUSED", "Suspended", at=T0, pause_reschedule=True)
        decision = ask(present, "SCHEDULED", deployment_id=new_id(), policy={"pause_keys": ["a"]})
        assert decision.changes["policy"] == {"pause_keys": ["a"], "resuming": True}
        assert code(ask(present, "SCHEDULED")) == "J"

    def test_a_resumed_run_is_not_counted_when_it_runs(self):
        decision = ask("PENDING", "RUNNING", run_count=1, policy={"resuming": True})
        assert "run_count" not in decision.changes
        assert decision.changes["policy"] == {"resuming": False}

    def test_a_paused_run_that_is_rescheduled_starts_over(self):
        decision = ask("PAUSED", "SCHEDULED", policy={"pause_keys": ["a"]})
        assert decision.changes["policy"] == {"pause_keys": [], "resuming": False, "retry_type": "reschedule"}


class TestRule12And13Time:
    def test_a_submitted_run_keeps_its_time(self):
        scheduled = state("SCHEDULED", at=T0, scheduled_time=T0 + SECOND)
        assert ask(scheduled, "PENDING").state.details == {"scheduled_time": T0 + SECOND}
        earlier = state("PENDING", scheduled_time=T0)
        assert ask(scheduled, earlier).state.details == {"scheduled_time": T0}

    @pytest.mark.parametrize("source", ["SCHEDULED", "PENDING"])
    def test_no_run_starts_before_its_time(self, source):
        decision = ask(state(source, at=T0, scheduled_time=NOW + SECOND // 4), "RUNNING")
        assert isinstance(decision, Wait)
        assert decision.delay_seconds == 0.25
        assert code(ask(state(source, at=T0, scheduled_time=NOW), "RUNNING")) == "A"

    def test_only_the_start_has_to_wait(self):
        scheduled = state("SCHEDULED", at=T0, scheduled_time=NOW + SECOND)
        assert code(ask(scheduled, "CANCELLED")) == "A"
        assert code(ask(state("RUNNING", at=T0, scheduled_time=NOW + SECOND), "RUNNING")) == "A"

    def test_a_scheduled_state_without_a_time_is_for_now(self):
        decision = ask("PENDING", "SCHEDULED")
        assert decision.state.details == {"scheduled_time": NOW}
        assert decision.changes["next_scheduled_start_time"] == NOW


@pytest.mark.behaviour(42)
class TestRule14Retry:
    def test_a_failed_run_waits_to_be_tried_again(self):
        policy = {"retries": 2, "retry_delay": 0.5, "pause_keys": ["a"]}
        failed = state("FAILED", "TimedOut", message="boom", data={"storage_key": "why"})
        decision = ask("RUNNING", failed, policy=policy)
        assert (decision.state.type, decision.state.name) == ("SCHEDULED", "AwaitingRetry")
        assert (decision.state.message, decision.state.data) == ("boom", {"storage_key": "why"})
        assert decision.state.details == {"scheduled_time": NOW + SECOND // 2}
        assert decision.changes["policy"] == {
            "retries": 2,
            "retry_delay": 0.5,
            "pause_keys": [],
            "resuming": False,
            "retry_type": "in_process",
        }
        assert "end_time" not in decision.changes

    def test_as_often_as_there_are_retries(self):
        for run_count, answer in ((1, "S"), (2, "S"), (3, "A")):
            assert code(ask("RUNNING", "FAILED", run_count=run_count, policy={"retries": 2})) == answer

    def test_the_last_failure_ends_the_retrying(self):
        policy = {"retries": 1, "retry_type": "in_process"}
        decision = ask("RUNNING", "FAILED", run_count=2, policy=policy)
        assert decision.changes["policy"]["retry_type"] is None

    def test_nothing_else_is_retried(self):
        policy = {"retries": 2}
        assert code(ask("RUNNING", "CRASHED", policy=policy)) == "A"
        assert code(ask("PENDING", "FAILED", policy=policy)) == "A"
        assert code(ask("RUNNING", "FAILED", policy=policy, force=True)) == "A"


class TestRule15ReleaseSlot:
    @pytest.mark.parametrize("source", ["PENDING", "RUNNING"])
    @pytest.mark.parametrize("target", ["COMPLETED", "CRASHED", "CANCELLED"])
    @pytest.mark.parametrize("force", [True, False])
    def test_who_is_not_executed_any_more_gives_its_slot_back(self, source, target, force):
        decision = ask(source, target, deployment_id=new_id(), facts=limited(), force=force)
        assert decision.slot == "release"

    def test_who_waits_to_try_again_keeps_it(self):
        decision = ask("RUNNING", "FAILED", deployment_id=new_id(), policy={"retries": 1})
        assert (decision.state.name, decision.slot) == ("AwaitingRetry", None)

    def test_who_waits_for_another_process_does_not(self):
        awaiting = state("SCHEDULED", "AwaitingRetry")
        policy = {"retry_type": "reschedule"}
        assert ask("RUNNING", awaiting, deployment_id=new_id(), policy=policy).slot == "release"

    def test_who_has_tried_again_gives_it_back_in_the_end(self):
        policy = {"retry_type": "in_process"}
        assert ask("RUNNING", "COMPLETED", deployment_id=new_id(), policy=policy).slot == "release"

    def test_who_is_still_executed_keeps_it(self):
        assert ask("RUNNING", "CANCELLING", deployment_id=new_id()).slot is None

    def test_a_suspended_run_gives_it_back(self):
        suspended = state("PAUSED", "Suspended", pause_reschedule=True)
        assert ask("RUNNING", suspended, deployment_id=new_id()).slot == "release"


class TestFencing:
    @pytest.mark.parametrize("force", [True, False])
    @pytest.mark.parametrize("target", TYPES)
    def test_an_older_attempt_writes_nothing(self, target, force):
        late = ask(run("RUNNING", attempt=2), target, attempt=1, force=force)
        assert isinstance(late, Abort)
        assert "A newer attempt owns this run" in late.reason

    @pytest.mark.parametrize("force", [True, False])
    @pytest.mark.parametrize("source", sorted(TERMINAL))
    @pytest.mark.parametrize("target", TYPES)
    def test_its_executor_does_not_change_how_a_run_ended(self, source, target, force):
        assert isinstance(ask(source, target, attempt=1, force=force), Abort)

    def test_who_takes_a_run_back_from_its_end_fences_off_who_executed_it(self):
        changes = ask("FAILED", "RUNNING", owner=new_id()).changes
        assert (changes["attempt"], changes["owner"], changes["end_time"]) == (2, None, None)


class TestBooks:
    def test_the_first_run(self):
        decision = ask("PENDING", "RUNNING")
        assert decision.changes["start_time"] == decision.state.timestamp
        assert decision.changes["run_count"] == 1
        assert decision.changes["updated"] == NOW
        assert "end_time" not in decision.changes

    def test_running_again(self):
        decision = ask("RUNNING", "RUNNING")
        assert decision.changes["start_time"] == T0 + 10 * SECOND
        assert decision.changes["run_count"] == 2
        assert decision.changes["total_run_time"] == 50 * SECOND

    def test_the_end(self):
        decision = ask("RUNNING", "COMPLETED", total_run_time=SECOND)
        assert decision.changes["end_time"] == NOW
        assert decision.changes["start_time"] == T0 + 10 * SECOND
        assert decision.changes["total_run_time"] == 51 * SECOND

    @pytest.mark.behaviour(11)
    def test_a_run_that_never_ran_starts_when_it_ends(self):
        changes = ask("PENDING", "FAILED").changes
        assert changes["start_time"] == changes["end_time"] == NOW

    def test_another_end_does_not_move_it(self):
        changes = ask("FAILED", "COMPLETED").changes
        assert "end_time" not in changes
        assert "attempt" not in changes

    def test_when_it_was_expected(self):
        assert "expected_start_time" not in ask("PENDING", "RUNNING").changes
        first = ask("PENDING", state("SCHEDULED", scheduled_time=NOW + 5), expected_start_time=None)
        assert first.changes["expected_start_time"] == NOW + 5

    def test_the_next_start_is_only_that_of_a_scheduled_run(self):
        assert ask("SCHEDULED", "PENDING").changes["next_scheduled_start_time"] is None

    def test_times_of_states_are_unique_and_go_on(self):
        early = state("RUNNING", at=T0)
        assert ask("PENDING", early).state.timestamp == T0 + 50 * SECOND + 1

    def test_a_rejected_state_is_booked_like_any_other(self):
        decision = ask("SCHEDULED", "CANCELLING")
        assert decision.changes["state"] == decision.state
        assert decision.changes["end_time"] == decision.state.timestamp


class TestOpenAttempt:
    @pytest.mark.parametrize(
        "source", ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "CRASHED"]
    )
    def test_nobody_executes_it(self, source):
        record = run(source, policy={"retries": 1, "pause_keys": ["a"]})
        changes = open_attempt(record, NOW)
        after = record._replace(**changes)
        assert (after.state.type, after.state.name, after.state.details) == ("PENDING", "Pending", None)
        assert (after.attempt, after.owner, after.end_time) == (2, None, None)
        assert after.policy == {"retries": 1, "pause_keys": [], "resuming": False}
        assert after.start_time == record.start_time
        assert after.state.timestamp > record.state.timestamp

    @pytest.mark.parametrize("source", ["PENDING", "RUNNING"])
    def test_somebody_does(self, source):
        with pytest.raises(AbortSignal, match="another process executes it"):
            open_attempt(run(source, owner=new_id()), NOW)
        assert open_attempt(run(source, owner=new_id()), NOW, owner_is_dead=True)["owner"] is None

    @pytest.mark.parametrize("source", ["PAUSED", "CANCELLING"])
    def test_it_is_being_held_up(self, source):
        with pytest.raises(AbortSignal, match=source.title()):
            open_attempt(run(source), NOW)

    def test_a_time_it_is_scheduled_for_still_holds(self):
        later = state("SCHEDULED", at=T0, scheduled_time=NOW + SECOND)
        assert open_attempt(run(later), NOW)["state"].details == {"scheduled_time": NOW + SECOND}
        retried = state("FAILED", at=T0, scheduled_time=NOW + SECOND)
        assert open_attempt(run(retried), NOW)["state"].details is None

    def test_a_suspended_run_that_resumes_goes_on(self):
        policy = {"pause_keys": ["a"], "resuming": True}
        assert open_attempt(run("SCHEDULED", policy=policy), NOW)["policy"] == policy

    def test_the_earlier_attempt_is_fenced_off(self):
        record = run("CRASHED")
        record = record._replace(**open_attempt(record, NOW))
        assert isinstance(ask(record, "RUNNING", attempt=1), Abort)
        assert isinstance(ask(record, "RUNNING", attempt=2), Accept)


proposals = st.lists(
    st.tuples(
        st.sampled_from(TYPES),
        st.sampled_from([None, "Late", "Submitting", "AwaitingRetry", "Suspended"]),
        st.booleans(),
        st.integers(0, 3_000_000),
        st.sampled_from([None, 0, 1, 2]),
    ),
    max_size=25,
)


@given(proposals, st.booleans(), st.integers(0, 2))
def test_whatever_is_proposed_the_row_stays_consistent(steps, deployed, retries):
    record = run("PENDING", deployment_id=new_id() if deployed else None, policy={"retries": retries})
    now = NOW
    for target, name, force, elapsed, attempt in steps:
        now += elapsed
        proposed = state(target, name, now)
        decision = decide(Transition(record, proposed, now, force=force, attempt=attempt, facts=unlimited()))
        if isinstance(decision, (Abort, Wait)) or not decision.changes:
            continue
        after = record._replace(**decision.changes)
        assert after.state.timestamp > record.state.timestamp
        assert (after.end_time is not None) == (after.state.type in TERMINAL)
        assert (after.next_scheduled_start_time is not None) == (after.state.type == "SCHEDULED")
        assert after.total_run_time >= record.total_run_time
        assert after.attempt >= record.attempt
        assert after.run_count - record.run_count in {0, 1}
        if after.state.type == "RUNNING" or after.state.type in TERMINAL:
            assert after.start_time is not None
        if attempt is not None:
            assert record.state.type not in TERMINAL
            assert attempt >= record.attempt
        record = after
