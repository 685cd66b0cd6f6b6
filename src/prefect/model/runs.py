"""Flow runs and task runs as users see them; `from_record` makes them from what the store keeps."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field, field_validator
from typing_extensions import Self

from prefect._base.clock import now_us, to_datetime, to_us
from prefect._base.ids import dynamic_key_of
from prefect.model.base import CreatedBy, DateTime, Labels, ObjectBaseModel
from prefect.model.history import running_time, states_of
from prefect.model.names import random_name
from prefect.model.policies import FlowRunPolicy, TaskRunPolicy
from prefect.model.records import FlowRunRecord, TaskRunRecord
from prefect.model.run_inputs import Constant, FlowRunResult, Parameter, RunInput, RunType, TaskRunResult
from prefect.model.state import TERMINAL_STATES, State, StateType

__all__ = [
    "Constant",
    "FlowRun",
    "FlowRunPolicy",
    "FlowRunResult",
    "Parameter",
    "RunInput",
    "RunType",
    "TaskRun",
    "TaskRunPolicy",
    "TaskRunResult",
]

_ESTIMATES = frozenset(("estimated_run_time", "estimated_start_time_delta"))
_INPUTS: dict[str, type[RunInput]] = {
    "task_run": TaskRunResult,
    "flow_run": FlowRunResult,
    "parameter": Parameter,
    "constant": Constant,
}


class _Run(ObjectBaseModel):
    """What both kinds of run have. Durations that are estimated depend on the moment of reading."""

    @field_validator("name", mode="before", check_fields=False)
    @classmethod
    def set_default_name(cls, name: str | None) -> str:
        """A run without a name gets a random one."""
        return name or random_name()


class FlowRun(_Run):
    """One run of a flow."""

    _uncompared: ClassVar[frozenset[str]] = _ESTIMATES  # two flow runs are the same only with the same id

    name: str = Field(default_factory=random_name)
    flow_id: UUID
    state_id: UUID | None = None
    deployment_id: UUID | None = None
    deployment_version: str | None = None
    work_queue_name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    run_count: int = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: timedelta = timedelta(0)
    estimated_run_time: timedelta = timedelta(0)
    estimated_start_time_delta: timedelta = timedelta(0)
    auto_scheduled: bool = False
    infrastructure_document_id: UUID | None = None
    infrastructure_pid: str | None = None
    created_by: CreatedBy | None = None
    work_queue_id: UUID | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    state: State | None = None
    job_variables: dict[str, Any] | None = None
    state_type: StateType | None = None
    state_name: str | None = None

    @classmethod
    def from_record(cls, record: FlowRunRecord) -> Self:
        """The run of a stored record, which is trusted."""
        state: State[Any] = State.from_record(record.state, flow_run_id=record.id)
        run_time = _estimated_run_time(state, record.total_run_time)
        start_delta = _estimated_start_delta(state, record.expected_start_time, record.start_time)
        return cls.model_construct(
            None,
            id=UUID(bytes=record.id),
            created=to_datetime(record.created),
            updated=to_datetime(record.updated),
            name=record.name,
            flow_id=UUID(bytes=record.flow_id),
            state=state,
            state_id=state.id,
            state_type=state.type,
            state_name=state.name,
            deployment_id=_uuid(record.deployment_id),
            parent_task_run_id=_uuid(record.parent_task_run_id),
            flow_version=record.flow_version,
            parameters=record.parameters,
            idempotency_key=record.idempotency_key,
            context=record.context,
            empirical_policy=_flow_run_policy(record.policy),
            tags=list(record.tags),
            labels=record.labels,
            run_count=record.run_count,
            expected_start_time=_time(record.expected_start_time),
            next_scheduled_start_time=_time(record.next_scheduled_start_time),
            start_time=_time(record.start_time),
            end_time=_time(record.end_time),
            total_run_time=timedelta(microseconds=record.total_run_time),
            estimated_run_time=timedelta(microseconds=run_time),
            estimated_start_time_delta=timedelta(microseconds=start_delta),
            auto_scheduled=bool(record.auto_scheduled),
            infrastructure_pid=record.infrastructure_pid,
            created_by=CreatedBy.model_validate(record.created_by) if record.created_by else None,
            work_queue_id=_uuid(record.work_queue_id),
            work_queue_name=record.work_queue_name,
            work_pool_id=_uuid(record.work_pool_id),
            work_pool_name=record.work_pool_name,
            **_extra_of(record.extra),
        )


class TaskRun(_Run):
    """One run of a task."""

    name: str = Field(default_factory=random_name)
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: DateTime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    state_id: UUID | None = None
    task_inputs: dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]] = Field(
        default_factory=dict
    )
    state_type: StateType | None = None
    state_name: str | None = None
    run_count: int = 0
    flow_run_run_count: int = 0
    expected_start_time: DateTime | None = None
    next_scheduled_start_time: DateTime | None = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None
    total_run_time: timedelta = timedelta(0)
    estimated_run_time: timedelta = timedelta(0)
    estimated_start_time_delta: timedelta = timedelta(0)
    state: State | None = None

    @classmethod
    def from_record(cls, record: TaskRunRecord) -> Self:
        """The run of a stored record, which is trusted. For what `detail` may hold, see the code."""
        detail: dict[str, Any] = json.loads(record.detail) if record.detail else {}
        states = states_of(record)
        state: State[Any] = State.from_record(
            states[-1], flow_run_id=record.flow_run_id, task_run_id=record.id
        )
        expected = detail.get("expected_start_time", record.created)
        run_time = running_time(states)
        return cls.model_construct(
            None,
            id=UUID(bytes=record.id),
            created=to_datetime(record.created),
            updated=to_datetime(record.state_timestamp),
            name=record.name,
            flow_run_id=_uuid(record.flow_run_id),
            task_key=record.task_key,
            dynamic_key=detail.get("dynamic_key") or dynamic_key_of(record.id),
            cache_key=detail.get("cache_key"),
            cache_expiration=_time(detail.get("cache_expiration")),
            task_version=detail.get("version"),
            empirical_policy=TaskRunPolicy.model_construct(None, **detail.get("policy", {})),
            tags=detail.get("tags", []),
            labels=detail.get("labels", {}),
            task_inputs=_task_inputs(detail.get("task_inputs", {}), record.parent_task_run_id),
            state=state,
            state_id=state.id,
            state_type=state.type,
            state_name=state.name,
            run_count=record.run_count,
            flow_run_run_count=record.flow_run_run_count,
            expected_start_time=_time(expected),
            next_scheduled_start_time=state.state_details.scheduled_time if state.is_scheduled() else None,
            start_time=_time(record.start_time),
            end_time=_time(record.end_time),
            total_run_time=timedelta(microseconds=run_time),
            estimated_run_time=timedelta(microseconds=_estimated_run_time(state, run_time)),
            estimated_start_time_delta=timedelta(
                microseconds=_estimated_start_delta(state, expected, record.start_time)
            ),
        )


def _uuid(stored: bytes | None) -> UUID | None:
    return None if stored is None else UUID(bytes=stored)


def _time(stored: int | None) -> Any:
    return None if stored is None else to_datetime(stored)


def _flow_run_policy(stored: dict[str, Any]) -> FlowRunPolicy:
    known = {**stored, "pause_keys": set(stored.get("pause_keys", ()))}
    return FlowRunPolicy.model_construct(None, **known)


_EXTRA_IDS = frozenset(("infrastructure_document_id",))


def _extra_of(stored: dict[str, Any]) -> dict[str, Any]:
    """The fields that only deployments and servers fill."""
    return {name: UUID(value) if name in _EXTRA_IDS and value else value for name, value in stored.items()}


def _task_inputs(stored: dict[str, list[Any]], parent: bytes | None) -> dict[str, list[RunInput]]:
    """Each source is the id of a task run, or a dict with its `input_type`; the caller is a source too."""
    of_parent: dict[str, list[RunInput]] = (
        {"__parents__": [TaskRunResult(id=UUID(bytes=parent))]} if parent else {}
    )
    return of_parent | {
        parameter: [
            TaskRunResult(id=UUID(source))
            if isinstance(source, str)
            else _INPUTS[source["input_type"]].model_validate(source)
            for source in sources
        ]
        for parameter, sources in stored.items()
    }


def _estimated_run_time(state: State[Any], total: int) -> int:
    """The time spent running so far, in microseconds: a run that is running goes on growing."""
    if state.is_running():
        return total + max(0, now_us() - to_us(state.timestamp))
    return total


def _estimated_start_delta(state: State[Any], expected: int | None, started: int | None) -> int:
    """How much later than expected the run has started or, if it has not yet, would start now."""
    if expected is None or (started is None and state.type in TERMINAL_STATES):
        return 0
    return max(0, (now_us() if started is None else started) - expected)
