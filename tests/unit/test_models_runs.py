"""Flow runs, task runs and their histories, made from what is stored."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from prefect._base.clock import VirtualClock, to_datetime, use_clock
from prefect._base.ids import dynamic_key_of, new_id
from prefect.client.schemas.objects import (
    Constant,
    FlowRun,
    FlowRunPolicy,
    FlowRunResult,
    Parameter,
    RunType,
    StateDetails,
    StateType,
    TaskRun,
    TaskRunPolicy,
    TaskRunResult,
)
from prefect.model.history import history_with, running_time, states_of
from prefect.model.names import random_name
from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord

T0 = 1_700_000_000_000_000
SECOND = 1_000_000
ONE = UUID(int=1)


def flow_run_record(**changes):
    state = StateRecord(new_id(), "RUNNING", "Running", T0 + 2 * SECOND)
    record = FlowRunRecord(
        id=new_id(),
        name="calm-otter",
        flow_id=new_id(),
        flow_name="etl",
        state=state,
        created=T0,
        updated=T0 + 3 * SECOND,
        run_count=1,
        parameters={"x": 1},
        tags=("a", "b"),
        policy={"retries": 2, "retry_delay": 3, "pause_keys": ["k"]},
        expected_start_time=T0,
        start_time=T0 + 2 * SECOND,
    )
    return record._replace(**changes)


def task_run_record(**changes):
    record = TaskRunRecord(
        id=new_id(),
        flow_run_id=new_id(),
        attempt=1,
        task_key="load-1a2b3c4d",
        name="load-abc",
        created=T0,
        flow_run_run_count=1,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        state_type="COMPLETED",
        state_name="Completed",
        state_timestamp=T0 + 5 * SECOND,
        start_time=T0 + SECOND,
        end_time=T0 + 5 * SECOND,
        run_count=1,
    )
    return record._replace(**changes)


def pending_record():
    return task_run_record(
        state_type="PENDING",
        state_name="Pending",
        state_timestamp=T0,
        start_time=None,
        end_time=None,
        run_count=0,
    )


class TestFlowRun:
    def test_columns_become_fields(self):
        record = flow_run_record(parent_task_run_id=new_id(), deployment_id=new_id(), total_run_time=SECOND)
        run = FlowRun.from_record(record)
        assert run.id.bytes == record.id
        assert run.flow_id.bytes == record.flow_id
        assert run.parent_task_run_id.bytes == record.parent_task_run_id
        assert run.deployment_id.bytes == record.deployment_id
        assert run.created == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
        assert run.updated - run.created == timedelta(seconds=3)
        assert (run.parameters, run.tags, run.run_count) == ({"x": 1}, ["a", "b"], 1)
        assert (run.empirical_policy.retries, run.empirical_policy.pause_keys) == (2, {"k"})
        assert run.total_run_time == timedelta(seconds=1)
        assert run.end_time is None

    def test_the_state_is_shown_in_four_fields(self):
        record = flow_run_record()
        run = FlowRun.from_record(record)
        assert run.state_type is run.state.type is StateType.RUNNING
        assert run.state_name == run.state.name == "Running"
        assert run.state_id == run.state.id
        assert run.state.state_details.flow_run_id == run.id

    def test_it_survives_json(self):
        run = FlowRun.from_record(flow_run_record())
        assert FlowRun.model_validate_json(run.model_dump_json()) == run

    def test_what_only_deployments_fill(self):
        record = flow_run_record(
            extra={"job_variables": {"a": 1}},
            work_pool_id=ONE.bytes,
            infrastructure_pid="host:1",
            created_by={"type": "SCHEDULE"},
        )
        run = FlowRun.from_record(record)
        assert (run.infrastructure_pid, run.work_pool_id) == ("host:1", ONE)
        assert run.job_variables == {"a": 1}
        assert run.created_by.type == "SCHEDULE"

    def test_two_runs_are_equal_only_with_one_id_whatever_is_estimated(self):
        run = FlowRun.from_record(flow_run_record())
        later = run.model_copy(update={"estimated_run_time": timedelta(seconds=9)})
        assert later == run
        assert run.model_copy(update={"id": ONE}) != run
        assert run.model_copy(update={"run_count": 7}) != run

    def test_a_running_run_grows_older_as_it_is_read(self):
        with use_clock(VirtualClock(T0 + 12 * SECOND)):
            run = FlowRun.from_record(flow_run_record(total_run_time=SECOND))
        assert round(run.estimated_run_time.total_seconds()) == 11
        assert run.total_run_time == timedelta(seconds=1)
        assert run.estimated_start_time_delta == timedelta(seconds=2)

    def test_a_run_that_has_not_started_is_late_by_the_time_that_passes(self):
        waiting = flow_run_record(state=StateRecord(new_id(), "SCHEDULED", "Scheduled", T0), start_time=None)
        with use_clock(VirtualClock(T0 + 30 * SECOND)):
            assert round(FlowRun.from_record(waiting).estimated_start_time_delta.total_seconds()) == 30
        never = waiting._replace(state=StateRecord(new_id(), "CANCELLED", "Cancelled", T0))
        assert FlowRun.from_record(never).estimated_start_time_delta == timedelta(0)

    def test_a_run_without_a_name_gets_one(self):
        for name in (None, ""):
            adjective, animal = FlowRun(flow_id=ONE, name=name).name.split("-")
            assert adjective.isalpha()
            assert animal.isalpha()
        assert FlowRun(flow_id=ONE).name

    def test_durations_are_numbers_in_json(self):
        run = FlowRun(flow_id=ONE, total_run_time="PT1H")
        assert run.total_run_time == timedelta(hours=1)
        assert run.model_dump(mode="json")["total_run_time"] == 3600.0


class TestTaskRun:
    def test_columns_become_fields(self):
        record = task_run_record()
        run = TaskRun.from_record(record)
        assert run.id.bytes == record.id
        assert run.flow_run_id.bytes == record.flow_run_id
        assert (run.task_key, run.name, run.run_count) == (record.task_key, "load-abc", 1)
        assert run.dynamic_key == dynamic_key_of(record.id)
        assert run.expected_start_time == run.created == to_datetime(T0)
        assert run.total_run_time == timedelta(seconds=4)
        assert run.state_type is StateType.COMPLETED
        assert run.state.timestamp == run.end_time == run.updated
        assert run.state.state_details.task_run_id == run.id
        assert run.state.state_details.flow_run_id == run.flow_run_id

    def test_what_is_rare_comes_from_the_detail(self):
        other = str(UUID(int=7))
        detail = {
            "tags": ["t"],
            "task_inputs": {
                "x": [{"input_type": "task_run", "id": other}, {"input_type": "parameter", "name": "p"}]
            },
            "cache_key": "k",
            "cache_expiration": T0,
            "policy": {"retries": 3, "retry_delay": [1, 2], "retry_jitter_factor": 0.5},
            "version": "v1",
            "expected_start_time": T0 - SECOND,
            "labels": {"l": 1},
            "dynamic_key": "2",
            "something_else": True,
        }
        run = TaskRun.from_record(task_run_record(detail=json.dumps(detail)))
        assert run.tags == ["t"]
        assert run.task_inputs == {"x": [TaskRunResult(id=UUID(other)), Parameter(name="p")]}
        assert (run.cache_key, run.cache_expiration) == ("k", to_datetime(T0))
        assert (run.empirical_policy.retries, run.empirical_policy.retry_delay) == (3, [1, 2])
        assert (run.task_version, run.labels, run.dynamic_key) == ("v1", {"l": 1}, "2")
        assert run.estimated_start_time_delta == timedelta(seconds=2)

    def test_a_plain_string_is_the_id_of_a_task_run(self):
        detail = json.dumps({"task_inputs": {"x": [str(ONE)]}})
        assert TaskRun.from_record(task_run_record(detail=detail)).task_inputs == {
            "x": [TaskRunResult(id=ONE)]
        }

    def test_it_survives_json(self):
        run = TaskRun.from_record(task_run_record())
        assert TaskRun.model_validate_json(run.model_dump_json()) == run

    def test_a_run_that_waits_for_a_retry_says_until_when(self):
        history = [
            ["PENDING", "Pending", T0, None],
            ["RUNNING", "Running", T0 + 1, None],
            ["SCHEDULED", "AwaitingRetry", T0 + 2, "boom", {"scheduled_time": T0 + SECOND}],
        ]
        record = task_run_record(
            state_type="SCHEDULED", state_name="AwaitingRetry", end_time=None, history=json.dumps(history)
        )
        assert TaskRun.from_record(record).next_scheduled_start_time == to_datetime(T0 + SECOND)


class TestHistory:
    def test_the_plain_way_needs_no_history(self):
        states = states_of(task_run_record(state_message="done"))
        assert [(s.type, s.name, s.timestamp, s.message) for s in states] == [
            ("PENDING", "Pending", T0, None),
            ("RUNNING", "Running", T0 + SECOND, None),
            ("COMPLETED", "Completed", T0 + 5 * SECOND, "done"),
        ]

    def test_a_plain_run_on_its_way(self):
        assert [s.type for s in states_of(pending_record())] == ["PENDING"]
        running = task_run_record(state_type="RUNNING", state_name="Running", end_time=None)
        assert [s.type for s in states_of(running)] == ["PENDING", "RUNNING"]

    def test_any_other_way_is_kept(self):
        entries = [["PENDING", "Pending", 1, None], ["PENDING", "NotReady", 2, "up", {"cache_key": "k"}]]
        states = states_of(task_run_record(history=json.dumps(entries)))
        assert [(s.name, s.message, s.details) for s in states] == [
            ("Pending", None, None),
            ("NotReady", "up", {"cache_key": "k"}),
        ]

    def test_one_more_state(self):
        record = task_run_record(state_type="RUNNING", state_name="Running", end_time=None)
        entries = history_with(record, ("CRASHED", "Crashed", T0 + 9, "killed"))
        longer = record._replace(history=json.dumps(entries))
        assert [s.name for s in states_of(longer)] == ["Pending", "Running", "Crashed"]
        assert [s.id for s in states_of(longer)][:2] == [s.id for s in states_of(record)]
        assert len(history_with(longer, ("PENDING", "Pending", T0 + 10, None))) == 4

    def test_the_result_of_a_run_that_has_ended_is_in_its_last_state(self):
        detail = json.dumps({"data": {"storage_key": "k"}})
        states = states_of(task_run_record(detail=detail))
        assert [s.data for s in states] == [None, None, {"storage_key": "k"}]
        assert TaskRun.from_record(task_run_record(detail=detail)).state.data.storage_key == "k"
        again = task_run_record(state_type="RUNNING", state_name="Running", end_time=None, detail=detail)
        assert states_of(again)[-1].data is None

    def test_the_time_spent_running(self):
        entries = [
            ["PENDING", "Pending", 0, None],
            ["RUNNING", "Running", 10, None],
            ["SCHEDULED", "AwaitingRetry", 30, None],
            ["RUNNING", "Retrying", 100, None],
            ["FAILED", "Failed", 105, None],
        ]
        assert running_time(states_of(task_run_record(history=json.dumps(entries)))) == 25
        assert running_time(states_of(pending_record())) == 0

    @given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
    def test_state_ids_are_stable_and_belong_to_one_state(self, first, second):
        ids = [state.id for run_id in {first, second} for state in states_of(task_run_record(id=run_id))]
        again = [state.id for run_id in {first, second} for state in states_of(task_run_record(id=run_id))]
        assert ids == again
        assert all(UUID(bytes=i).int >> 76 & 0xF == 8 for i in ids)
        assert len(set(ids[:3])) == 3


class TestPolicies:
    def test_older_names_fill_the_newer_ones(self):
        for policy in (FlowRunPolicy, TaskRunPolicy):
            older = policy(max_retries=3, retry_delay_seconds=2.0)
            assert (older.retries, older.retry_delay) == (3, 2)
            assert policy(max_retries=3, retries=1).retries == 1

    def test_limits(self):
        assert TaskRunPolicy(retry_delay=[1] * 50).retry_delay == [1] * 50
        with pytest.raises(ValidationError, match="more than 50 retry delays"):
            TaskRunPolicy(retry_delay=[1] * 51)
        with pytest.raises(ValidationError, match="must be >= 0"):
            TaskRunPolicy(retry_jitter_factor=-0.1)


class TestInputs:
    def test_they_are_immutable_and_hashable(self):
        one = TaskRunResult(id=ONE)
        assert {one, TaskRunResult(id=ONE), FlowRunResult(id=ONE)} == {one, FlowRunResult(id=ONE)}
        with pytest.raises(ValidationError, match="frozen"):
            one.id = UUID(int=2)

    def test_they_are_known_by_their_fields(self):
        inputs = {"x": [{"id": ONE}, {"name": "p"}, {"type": "int"}]}
        run = TaskRun(task_key="k", dynamic_key="0", task_inputs=inputs)
        assert run.task_inputs["x"] == [TaskRunResult(id=ONE), Parameter(name="p"), Constant(type="int")]

    def test_state_details_name_their_run(self):
        details = StateDetails(task_run_id=ONE)
        assert details.to_run_result(RunType.TASK_RUN) == TaskRunResult(id=ONE)
        assert details.to_run_result(RunType.FLOW_RUN) is None
        assert StateDetails(flow_run_id=ONE).to_run_result(RunType.FLOW_RUN) == FlowRunResult(id=ONE)


def test_random_names_vary():
    names = {random_name() for _ in range(200)}
    assert len(names) > 150
