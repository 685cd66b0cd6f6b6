"""The present flow run, as attributes: None, [], {} or 0 outside one (behaviour 65)."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.clock import now, to_datetime
from prefect.context import EngineContext, TaskRunContext
from prefect.runtime._values import attribute
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from datetime import datetime

    from prefect.model.records import FlowRunRecord

    api_url: str | None
    flow_name: str | None
    flow_version: str | None
    id: str | None
    job_variables: dict[str, Any] | None
    name: str | None
    parameters: dict[str, Any]
    parent_deployment_id: str | None
    parent_flow_run_id: str | None
    root_flow_run_id: str | None
    run_count: int
    scheduled_start_time: datetime
    tags: list[str]
    ui_url: str | None

__all__ = [
    "api_url",
    "flow_name",
    "flow_version",
    "id",
    "job_variables",
    "name",
    "parameters",
    "parent_deployment_id",
    "parent_flow_run_id",
    "root_flow_run_id",
    "run_count",
    "scheduled_start_time",
    "tags",
    "ui_url",
]


def _record() -> FlowRunRecord | None:
    """The row of the flow run: of the context, or of `PREFECT__FLOW_RUN_ID`."""
    context = EngineContext.get()
    if context is not None:
        return context.record
    named = os.environ.get("PREFECT__FLOW_RUN_ID")
    if named:
        from prefect._backend.resolve import backend  # only a process that was started for a run comes here
        from prefect.exceptions import ObjectNotFound

        try:
            return backend().read_flow_run(UUID(named).bytes)
        except (ObjectNotFound, ValueError):
            return None
    return None


def _text(value: bytes | None) -> str | None:
    return str(UUID(bytes=value)) if value is not None else None


def get_id() -> str | None:
    """The id of the flow run."""
    context = EngineContext.get()
    if context is not None:
        return _text(context.record.id)
    task_context = TaskRunContext.get()
    if task_context is not None:
        return _text(task_context.record.flow_run_id)
    return os.environ.get("PREFECT__FLOW_RUN_ID")


def get_tags() -> list[str]:
    """The tags of the flow run."""
    record = _record()
    return list(record.tags) if record is not None else []


def get_scheduled_start_time() -> datetime:
    """When the flow run was to start; now, outside one."""
    record = _record()
    if record is None or record.expected_start_time is None:
        return now()
    return to_datetime(record.expected_start_time)


def get_name() -> str | None:
    """The name of the flow run."""
    record = _record()
    return record.name if record is not None else None


def get_flow_name() -> str | None:
    """The name of the flow."""
    record = _record()
    return record.flow_name if record is not None else None


def get_flow_version() -> str | None:
    """The version of the flow."""
    record = _record()
    return record.flow_version if record is not None else None


def get_parameters() -> dict[str, Any]:
    """The parameters of the flow run."""
    context = EngineContext.get()
    if context is not None:
        return context.parameters or {}
    record = _record()
    return dict(record.parameters) if record is not None else {}


def get_parent_flow_run_id() -> str | None:
    """The id of the flow run that started this one."""
    record = _record()
    return _text(record.parent_flow_run_id) if record is not None else None


def get_root_flow_run_id() -> str | None:
    """The id of the outermost flow run; its own, if nothing started this one."""
    record = _record()
    return _text(record.root_flow_run_id or record.id) if record is not None else None


def get_parent_deployment_id() -> str | None:
    """The id of the deployment of the flow run that started this one."""
    record = _record()
    if record is None or record.parent_flow_run_id is None:
        return None
    from prefect._backend.resolve import backend  # only deployed subflows come here

    return _text(backend().read_flow_run(record.parent_flow_run_id).deployment_id)


def get_run_count() -> int:
    """How often the flow run has started."""
    record = _record()
    return record.run_count if record is not None else 0


def get_api_url() -> str | None:
    """Where the API shows the flow run; None without a server."""
    return _url(get_current_settings().api.url, "flow_runs")


def get_ui_url() -> str | None:
    """Where the UI shows the flow run; None without one."""
    return _url(get_current_settings().ui_url, "runs/flow-run")


def _url(base: str | None, path: str) -> str | None:
    run_id = get_id()
    return f"{base}/{path}/{run_id}" if base and run_id else None


def get_job_variables() -> dict[str, Any] | None:
    """The job variables of the flow run."""
    record = _record()
    return record.extra.get("job_variables") if record is not None else None


_GETTERS = {
    "id": get_id,
    "tags": get_tags,
    "scheduled_start_time": get_scheduled_start_time,
    "name": get_name,
    "flow_name": get_flow_name,
    "flow_version": get_flow_version,
    "parameters": get_parameters,
    "parent_flow_run_id": get_parent_flow_run_id,
    "parent_deployment_id": get_parent_deployment_id,
    "root_flow_run_id": get_root_flow_run_id,
    "run_count": get_run_count,
    "api_url": get_api_url,
    "ui_url": get_ui_url,
    "job_variables": get_job_variables,
}
__getattr__ = partial(attribute, "flow_run", getters=_GETTERS)
