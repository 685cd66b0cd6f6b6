"""What a run left on record, as the behaviour tests look at it: small, and the only place that reads the store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prefect._backend import journal
from prefect._backend.resolve import backend
from prefect._base.clock import to_datetime
from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord


@dataclass(frozen=True)
class SeenFlowRun:
    """One flow run on record."""

    id: UUID
    name: str
    flow_name: str
    state_type: str
    state_name: str
    message: str | None
    run_count: int
    tags: list[str]
    parameters: dict[str, Any]
    start_time: datetime | None
    end_time: datetime | None
    parent_task_run_id: UUID | None
    version: str | None


@dataclass(frozen=True)
class SeenTaskRun:
    """One task run on record."""

    id: UUID
    name: str
    task_key: str
    flow_run_id: UUID | None
    state_type: str
    state_name: str
    message: str | None
    run_count: int
    start_time: datetime | None
    end_time: datetime | None


def flow_run(run_id: UUID | str) -> SeenFlowRun:
    """The flow run of that id."""
    journal.commit()
    return _seen_flow_run(backend().read_flow_run(_key(run_id)))


def flow_run_states(run_id: UUID | str) -> list[tuple[str, str]]:
    """(type, name) of every state that the flow run was in, in order."""
    journal.commit()
    return _names(backend().read_flow_run_states(_key(run_id)))


def latest_flow_run(flow_name: str | None = None) -> SeenFlowRun:
    """The newest flow run, of the named flow if one is named."""
    journal.commit()
    found = backend().find_flow_runs(flow_names=(flow_name,) if flow_name else (), limit=1)
    assert found, f"no flow run of {flow_name or 'any flow'} is on record"
    return _seen_flow_run(found[0])


def flow_runs_of(flow_name: str) -> list[SeenFlowRun]:
    """Every flow run of the named flow, newest first."""
    journal.commit()
    return [_seen_flow_run(record) for record in backend().find_flow_runs(flow_names=(flow_name,))]


def task_run(run_id: UUID | str) -> SeenTaskRun:
    """The task run of that id."""
    journal.commit()
    return _seen_task_run(backend().read_task_run(_key(run_id)))


def task_run_states(run_id: UUID | str) -> list[tuple[str, str]]:
    """(type, name) of every state that the task run was in, in order."""
    journal.commit()
    return _names(backend().read_task_run_states(_key(run_id)))


def task_runs_of(flow_run_id: UUID | str) -> list[SeenTaskRun]:
    """The task runs of a flow run, in the order in which they were made."""
    journal.commit()
    found = backend().find_task_runs(flow_run_ids=(_key(flow_run_id),))
    return [_seen_task_run(record) for record in sorted(found, key=lambda record: record.id)]


def logs_of(flow_run_id: UUID | str) -> list[tuple[int, str]]:
    """(level, message) of every log line of a flow run and its task runs, in order."""
    journal.commit()
    return [(log.level, log.message) for log in backend().find_logs(flow_run_id=_key(flow_run_id))]


def _key(run_id: UUID | str) -> bytes:
    return UUID(str(run_id)).bytes


def _uuid(key: bytes | None) -> UUID | None:
    return None if key is None else UUID(bytes=key)


def _time(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else to_datetime(microseconds)


def _names(states: list[StateRecord]) -> list[tuple[str, str]]:
    return [(state.type, state.name) for state in states]


def _seen_flow_run(record: FlowRunRecord) -> SeenFlowRun:
    return SeenFlowRun(
        id=UUID(bytes=record.id),
        name=record.name,
        flow_name=record.flow_name,
        state_type=record.state.type,
        state_name=record.state.name,
        message=record.state.message,
        run_count=record.run_count,
        tags=sorted(record.tags),
        parameters=record.parameters,
        start_time=_time(record.start_time),
        end_time=_time(record.end_time),
        parent_task_run_id=_uuid(record.parent_task_run_id),
        version=record.flow_version,
    )


def _seen_task_run(record: TaskRunRecord) -> SeenTaskRun:
    return SeenTaskRun(
        id=UUID(bytes=record.id),
        name=record.name,
        task_key=record.task_key,
        flow_run_id=_uuid(record.flow_run_id),
        state_type=record.state_type,
        state_name=record.state_name,
        message=record.state_message,
        run_count=record.run_count,
        start_time=_time(record.start_time),
        end_time=_time(record.end_time),
    )
