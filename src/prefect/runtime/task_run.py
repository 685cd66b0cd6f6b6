"""The present task run, as attributes: None, [], {} or 0 outside one (behaviour 65)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.context import TaskRunContext
from prefect.runtime._values import attribute
from prefect.settings import get_current_settings

__all__ = ["api_url", "id", "name", "parameters", "run_count", "tags", "task_name", "ui_url"]

if TYPE_CHECKING:
    api_url: str | None
    id: str | None
    name: str | None
    parameters: dict[str, Any]
    run_count: int
    tags: list[str]
    task_name: str | None
    ui_url: str | None


def get_id() -> str | None:
    """The id of the task run."""
    context = TaskRunContext.get()
    return str(UUID(bytes=context.record.id)) if context is not None else None


def get_tags() -> list[str]:
    """The tags of the task run."""
    context = TaskRunContext.get()
    if context is None or context.record.detail is None:
        return []
    return json.loads(context.record.detail).get("tags", [])


def get_name() -> str | None:
    """The name of the task run."""
    context = TaskRunContext.get()
    return context.record.name if context is not None else None


def get_task_name() -> str | None:
    """The name of the task."""
    context = TaskRunContext.get()
    return context.task.name if context is not None else None


def get_parameters() -> dict[str, Any]:
    """The parameters of the task run."""
    context = TaskRunContext.get()
    return context.parameters if context is not None else {}


def get_run_count() -> int:
    """How often the task run has started."""
    context = TaskRunContext.get()
    return context.record.run_count if context is not None else 0


def get_api_url() -> str | None:
    """Where the API shows the task run; None without a server."""
    return _url(get_current_settings().api.url, "task_runs")


def get_ui_url() -> str | None:
    """Where the UI shows the task run; None without one."""
    return _url(get_current_settings().ui_url, "runs/task-run")


def _url(base: str | None, path: str) -> str | None:
    run_id = get_id()
    return f"{base}/{path}/{run_id}" if base and run_id else None


_GETTERS = {
    "id": get_id,
    "tags": get_tags,
    "name": get_name,
    "task_name": get_task_name,
    "parameters": get_parameters,
    "run_count": get_run_count,
    "api_url": get_api_url,
    "ui_url": get_ui_url,
}
__getattr__ = partial(attribute, "task_run", getters=_GETTERS)
