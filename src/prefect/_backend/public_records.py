"""What the public API of a Prefect 3 server shows, as records; and conditions as its filters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.clock import to_datetime, to_us
from prefect.exceptions import StoreError
from prefect.model.objects import Log
from prefect.model.records import FlowRunRecord, LogRecord, TaskRunRecord
from prefect.model.runs import FlowRun, TaskRun

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from prefect._storage.filters import Condition


def flow_run_record(shown: Any, flow_name: str) -> FlowRunRecord:
    """A flow run, as the public API shows it."""
    run = FlowRun.model_validate(shown)
    assert run.state is not None
    return FlowRunRecord(
        id=run.id.bytes,
        name=run.name,
        flow_id=run.flow_id.bytes,
        flow_name=flow_name,
        state=run.state.to_record(),
        created=_time(run.created) or 0,
        updated=_time(run.updated) or 0,
        run_count=run.run_count,
        parameters=run.parameters,
        tags=tuple(run.tags),
        flow_version=run.flow_version,
        policy={"resuming": bool(run.empirical_policy.resuming)},
        deployment_id=run.deployment_id.bytes if run.deployment_id else None,
        parent_task_run_id=run.parent_task_run_id.bytes if run.parent_task_run_id else None,
        expected_start_time=_time(run.expected_start_time),
        start_time=_time(run.start_time),
        end_time=_time(run.end_time),
        total_run_time=round(run.total_run_time.total_seconds() * 1e6),
    )


def task_run_record(shown: Any) -> TaskRunRecord:
    """A task run, as the public API shows it."""
    run = TaskRun.model_validate(shown)
    assert run.state is not None
    state = run.state.to_record()
    detail: dict[str, Any] = {
        "dynamic_key": run.dynamic_key,
        "tags": sorted(run.tags),
        "version": run.task_version,
    }
    detail["data"] = state.data  # where the result is, for who waits for it elsewhere
    created = _time(run.created) or state.timestamp
    # the columns of a run that has not ended do not tell Scheduled from Pending
    present = [state.type, state.name, state.timestamp, state.message, state.details or {}]
    return TaskRunRecord(
        id=run.id.bytes,
        flow_run_id=run.flow_run_id.bytes if run.flow_run_id else None,
        attempt=0,
        task_key=run.task_key,
        name=run.name,
        created=created,
        flow_run_run_count=run.flow_run_run_count,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        state_type=state.type,
        state_name=state.name,
        state_timestamp=state.timestamp,
        state_message=state.message,
        start_time=_time(run.start_time),
        end_time=_time(run.end_time),
        run_count=run.run_count,
        detail=json.dumps({name: value for name, value in detail.items() if value}),
        history=json.dumps([present]) if run.end_time is None else None,
    )


def _time(value: datetime | None) -> int | None:
    return None if value is None else to_us(value)


def policy_of(policy: dict[str, Any]) -> dict[str, Any]:
    """How a flow run is retried, as the public API takes it."""
    return {"retries": policy.get("retries") or 0, "retry_delay": policy.get("retry_delay") or 0}


def filter_of(where: Iterable[Condition]) -> dict[str, Any] | None:
    """Those conditions that have a counterpart there. Raises StoreError for others."""
    found: dict[str, Any] = {}
    for column, operator, value in where:
        if (column, operator) == ("created", ">="):  # of task runs, which are made when they are expected
            found["expected_start_time"] = {"after_": to_datetime(value).isoformat()}
            continue
        if operator not in {"=", "in"} or column not in _COUNTERPARTS:
            raise StoreError(
                f"A Prefect server is not asked by {column} {operator} …; expected one of "
                f"{sorted(_COUNTERPARTS)}. Ask without it, or use that server's own package."
            )
        values = [
            text(one) if isinstance(one, bytes) else one for one in (value if operator == "in" else [value])
        ]
        outer, inner = _COUNTERPARTS[column]
        found.setdefault(outer, {}).update({inner: {"any_": values}} if inner else {"any_": values})
    return found or None


_COUNTERPARTS = {
    "id": ("id", None),
    "name": ("name", None),
    "state_type": ("state", "type"),
    "state_name": ("state", "name"),
    "parent_flow_run_id": ("parent_flow_run_id", None),  # of flow runs
}


def log_record(shown: Any) -> LogRecord:
    """A log line, as the public API shows it."""
    line = Log.model_validate(shown)
    return LogRecord(
        line.id.bytes,
        to_us(line.timestamp),
        line.level,
        line.name,
        line.message,
        line.flow_run_id.bytes if line.flow_run_id else None,
        line.task_run_id.bytes if line.task_run_id else None,
    )


def text(value: bytes | UUID | None) -> str | None:
    """An id as the public API writes it."""
    return None if value is None else str(UUID(bytes=value) if isinstance(value, bytes) else value)
