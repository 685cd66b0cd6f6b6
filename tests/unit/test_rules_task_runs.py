"""The rules of task runs, by their numbers, and the books."""

from __future__ import annotations

import json

import pytest

from prefect._base.ids import new_id
from prefect._orchestration import (
    Abort,
    Accept,
    Reject,
    TagLimit,
    TaskFacts,
    TaskTransition,
    Wait,
    decide_task_run,
)
from prefect.model.history import states_of
from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord

T0 = 1_700_000_000_000_000
SECOND = 1_000_000
NOW = T0 + 100 * SECOND
TYPES = "SCHEDULED PENDING RUNNING COMPLETED FAILED CANCELLED CRASHED PAUSED CANCELLING".split()
TERMINAL = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


def state(state_type, name=None, at=NOW, *, message=None, data=None, **details):
    return StateRecord(new_id(), state_type, name or state_type.title(), at, message, data, details or None)


def run(present, *, detail=None, **changes):
    """A task run outside a flow that has been Pending, and is in the state `present` now."""
    present = state(present, at=T0 + 50 * SECOND) if isinstance(present, str) else present
    entries = [
        ["PENDING", "Pending", T0, None],
        [present.type, present.name, present.timestamp, present.message, present.details],
    ]
    ran = present.type not in {"SCHEDULED", "PENDING"}
    record = TaskRunRecord(
        id=new_id(),
        flow_run_id=None,
        attempt=0,
        task_key="load",
        name="load",
        created=T0,
        flow_run_run_count=1,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        state_type=present.type,
        state_name=present.name,
        state_timestamp=present.timestamp,
        start_time=T0 + 10 * SECOND if ran else None,
        end_time=present.timestamp if present.type in TERMINAL else None,
        run_count=1 if ran else 0,
        detail=json.dumps(detail) if detail else None,
        history=json.dumps(entries),
    )
    return record._replace(**changes)


def flow_run(state_type, run_count=1):
    return FlowRunRecord(
        id=new_id(),
        name="calm-otter",
        flow_id=new_id(),
        flow_name="etl",
        state=state(state_type, at=T0),
        created=T0,
        updated=T0,
        run_count=run_count,
    )


def in_flow(state_type, run_count=1):
    return TaskFacts(flow_run=lambda: flow_run(state_type, run_count))


def ask(present, proposed, *, facts=None, force=False, **changes):
    record = present if isinstance(present, TaskRunRecord) else run(present, **changes)
    proposed = state(proposed) if isinstance(proposed, str) else proposed
    return decide_task_run(TaskTransition.of(record, proposed, NOW, facts=facts, force=force))


@pytest.mark.parametrize("source", TYPES)
@pytest.mark.parametrize("target", TYPES)
class TestTable:
    def test_a_run_of_its_own_may_become_anything_but_leave_its_end_badly(self, source, target):
        decision = ask(source, target)
        if source in TERMINAL and target in {"CANCELLING", "PAUSED", "CRASHED"}:
            assert isinstance(decision, Abort)
        else:
            assert isinstance(decision, Accept)
            assert decision.state.type == target

    def test_forced_it_may_become_anything(self, source, target):
        assert isinstance(ask(source, target, force=True), Accept)


class TestRule1Cache:
    def test_what_is_in_the_cache_is_not_computed_again(self):
        cached = state("COMPLETED", at=T0, data={"storage_key": "k"}, cache_key="k", cache_expiration=NOW + 1)
        facts = TaskFacts(cached_state=lambda key: cached if key == "k" else None)
        decision = ask("PENDING", state("RUNNING", cache_key="k"), facts=facts)
        assert isinstance(decision, Reject)
        assert (decision.state.type, decision.state.name, decision.state.data) == (
            "COMPLETED",
            "Cached",
            {"storage_key": "k"},
        )
        assert decision.state.timestamp == NOW
        assert decision.state.id != cached.id
        assert isinstance(ask("PENDING", state("RUNNING", cache_key="other"), facts=facts), Accept)

    def test_unless_it_has_expired_or_is_to_be_refreshed(self):
        facts = TaskFacts(cached_state=lambda _: state("COMPLETED", at=T0, cache_expiration=NOW))
        assert isinstance(ask("PENDING", state("RUNNING", cache_key="k"), facts=facts), Accept)
        facts = TaskFacts(cached_state=lambda _: state("COMPLETED", at=T0))
        again = state("RUNNING", cache_key="k", refresh_cache=True)
        assert isinstance(ask("PENDING", again, facts=facts), Accept)

    def test_what_has_been_computed_is_not_looked_up(self):
        facts = TaskFacts(cached_state=lambda _: state("COMPLETED", at=T0))
        assert isinstance(ask("RUNNING", state("COMPLETED", cache_key="k"), facts=facts), Accept)


class TestRule2LeavingTheEnd:
    def test_the_tries_are_counted_anew(self):
        decision = ask("FAILED", "RUNNING", run_count=3)
        assert decision.changes["run_count"] == 1
        assert ask("FAILED", "PENDING", run_count=3).changes["run_count"] == 0

    def test_in_a_later_try_of_the_flow_it_is_retrying(self):
        changes = {"flow_run_id": new_id(), "flow_run_run_count": 1}
        decision = ask("FAILED", "RUNNING", facts=in_flow("RUNNING", run_count=2), **changes)
        assert decision.state.name == "Retrying"
        assert decision.changes["flow_run_run_count"] == 2
        decision = ask("FAILED", "RUNNING", facts=in_flow("RUNNING", run_count=1), **changes)
        assert decision.state.name == "Rerunning"


class TestRule3Flow:
    def test_a_task_runs_while_its_flow_runs(self):
        for state_type, expected in (("RUNNING", Accept), ("COMPLETED", Abort), ("PENDING", Abort)):
            decision = ask("PENDING", "RUNNING", flow_run_id=new_id(), facts=in_flow(state_type))
            assert isinstance(decision, expected)
        assert isinstance(ask("PENDING", "RUNNING", flow_run_id=new_id()), Abort)

    def test_while_the_flow_is_paused_it_is_not_ready(self):
        decision = ask("PENDING", "RUNNING", flow_run_id=new_id(), facts=in_flow("PAUSED"))
        assert (decision.state.type, decision.state.name) == ("PAUSED", "NotReady")

    def test_it_may_end_later_than_its_flow(self):
        decision = ask("RUNNING", "COMPLETED", flow_run_id=new_id(), facts=in_flow("COMPLETED"))
        assert isinstance(decision, Accept)


class TestRule4Tags:
    def facts(self, *limits):
        return TaskFacts(limits=lambda tags: [x for x in limits if x.tag in tags], slot_wait=lambda: 1.5)

    def test_a_free_slot_is_taken_and_given_back(self):
        facts = self.facts(TagLimit("db", 1, 1), TagLimit("other", 1, 0))
        assert ask("PENDING", "RUNNING", detail={"tags": ["db"]}, facts=facts).slot == "take"
        assert ask("RUNNING", "COMPLETED", detail={"tags": ["db"]}, facts=facts).slot == "release"
        assert ask("PENDING", "RUNNING", facts=facts).slot is None

    def test_without_one_the_task_waits(self):
        facts = self.facts(TagLimit("db", 1, 0))
        decision = ask("PENDING", "RUNNING", detail={"tags": ["a", "db"]}, facts=facts)
        assert isinstance(decision, Wait)
        assert decision.delay_seconds == 1.5
        assert "'db'" in decision.reason

    def test_only_the_start_needs_a_slot(self):
        facts = self.facts(TagLimit("db", 1, 0))
        for source, target in (("RUNNING", "RUNNING"), ("PENDING", "CANCELLED")):
            decision = ask(source, target, detail={"tags": ["db"]}, facts=facts)
            assert (type(decision), decision.slot) == (Accept, None)

    def test_nobody_waits_longer_than_ten_seconds(self):
        facts = TaskFacts(limits=lambda _: [TagLimit("db", 1, 0)])
        delays = [
            ask("PENDING", "RUNNING", detail={"tags": ["db"]}, facts=facts).delay_seconds for _ in range(200)
        ]
        assert all(0 <= delay <= 10 for delay in delays)
        assert len(set(delays)) > 100

    def test_a_limit_of_zero_stops_it(self):
        decision = ask("PENDING", "RUNNING", detail={"tags": ["db"]}, facts=self.facts(TagLimit("db", 0, 0)))
        assert isinstance(decision, Abort)


class TestRule5Time:
    def test_a_submitted_run_keeps_its_time_and_waits_for_it(self):
        scheduled = state("SCHEDULED", at=T0, scheduled_time=NOW + SECOND)
        pending = ask(scheduled, "PENDING")
        assert pending.state.details == {"scheduled_time": NOW + SECOND}
        decision = ask(pending.state, "RUNNING")
        assert isinstance(decision, Wait)
        assert decision.delay_seconds == 1.0
        assert isinstance(ask(state("PENDING", at=T0, scheduled_time=NOW), "RUNNING"), Accept)

    def test_its_own_time_is_left_alone(self):
        scheduled = state("SCHEDULED", at=T0, scheduled_time=T0)
        own = ask(scheduled, state("PENDING", scheduled_time=T0 + SECOND))
        assert own.state.details == {"scheduled_time": T0 + SECOND}
        assert ask(scheduled, "CANCELLED").state.details is None


class TestRule5Retry:
    def delay(self, policy, run_count=1, jitter=0.0):
        facts = TaskFacts(jitter=lambda: jitter)
        decision = ask("RUNNING", "FAILED", detail={"policy": policy}, run_count=run_count, facts=facts)
        if isinstance(decision, Accept):
            return None
        assert decision.state.name == "AwaitingRetry"
        return (decision.state.details["scheduled_time"] - NOW) / SECOND

    @pytest.mark.behaviour(41)
    def test_the_last_delay_of_a_list_repeats(self):
        policy = {"retries": 3, "retry_delay": [1, 2.5]}
        assert [self.delay(policy, n) for n in (1, 2, 3, 4)] == [1, 2.5, 2.5, None]

    def test_one_delay_or_none(self):
        assert self.delay({"retries": 1, "retry_delay": 4}) == 4
        assert self.delay({"retries": 1}) == 0
        assert self.delay({}) is None

    def test_jitter_makes_it_longer(self):
        policy = {"retries": 1, "retry_delay": 4, "retry_jitter_factor": 0.5}
        assert self.delay(policy, jitter=0.5) == 5

    def test_a_failure_may_say_that_it_is_for_good(self):
        failed = state("FAILED", retriable=False)
        assert isinstance(ask("RUNNING", failed, detail={"policy": {"retries": 3}}), Accept)

    def test_the_message_stays(self):
        failed = state("FAILED", message="boom")
        assert ask("RUNNING", failed, detail={"policy": {"retries": 3}}).state.message == "boom"


class TestRule5Names:
    def test_running_again_has_another_name(self):
        awaiting = state("SCHEDULED", "AwaitingRetry", at=T0, scheduled_time=T0)
        assert ask(awaiting, "RUNNING", run_count=1).state.name == "Retrying"
        assert ask("RUNNING", "RUNNING").state.name == "Rerunning"
        assert ask("PENDING", "RUNNING").state.name == "Running"
        assert ask("RUNNING", state("RUNNING", "Mine")).state.name == "Mine"

    def test_a_cache_key_is_not_too_long(self):
        assert isinstance(ask("RUNNING", state("COMPLETED", cache_key="k" * 2000)), Accept)
        decision = ask("RUNNING", state("COMPLETED", cache_key="k" * 2001))
        assert (type(decision), decision.state) == (Reject, None)


class TestRule6Background:
    def test_a_background_run_is_taken_once(self):
        scheduled = state("SCHEDULED", at=T0, deferred=True, task_parameters_id="p", scheduled_time=T0)
        pending = ask(scheduled, "PENDING")
        assert pending.state.details["task_parameters_id"] == "p"
        assert isinstance(ask(pending.state, "PENDING"), Abort)
        assert ask(pending.state, "RUNNING").state.details["task_parameters_id"] == "p"
        assert isinstance(ask("PENDING", "PENDING"), Accept)


class TestBooks:
    def test_a_run_from_its_start_to_its_end(self):
        record = run("PENDING")
        for target in ("RUNNING", "COMPLETED"):
            record = record._replace(**ask(record, target).changes)
        assert [s.name for s in states_of(record)] == ["Pending", "Pending", "Running", "Completed"]
        assert record.run_count == 1
        assert record.start_time == NOW
        assert record.end_time == NOW + 1  # times of states are unique
        assert (record.state_type, record.state_timestamp) == ("COMPLETED", NOW + 1)

    def test_what_never_ran_starts_when_it_ends(self):
        changes = ask("PENDING", "CANCELLED").changes
        assert changes["start_time"] == changes["end_time"] == NOW

    def test_running_again_ends_the_end(self):
        changes = ask("FAILED", "RUNNING").changes
        assert changes["end_time"] is None
        assert changes["start_time"] == T0 + 10 * SECOND
        assert "end_time" not in ask("FAILED", "CANCELLED").changes

    def test_where_the_result_is_stored_is_kept_until_it_runs_again(self):
        record = run("RUNNING", detail={"tags": ["t"]})
        done = state("COMPLETED", data={"storage_key": "k"}, cache_key="c", cache_expiration=NOW + 5)
        record = record._replace(**ask(record, done).changes)
        assert states_of(record)[-1].data == {"storage_key": "k"}
        assert json.loads(record.detail) == {
            "tags": ["t"],
            "data": {"storage_key": "k"},
            "cache_key": "c",
            "cache_expiration": NOW + 5,
        }
        assert isinstance(ask(record, "RUNNING"), Reject)
        failed = run("FAILED", detail={"data": {"storage_key": "why"}})
        assert ask(failed, "RUNNING").changes["detail"] is None

    def test_details_are_in_the_history(self):
        record = run("RUNNING")
        record = record._replace(**ask(record, state("COMPLETED", cache_key="k")).changes)
        assert states_of(record)[-1].details == {"cache_key": "k"}
