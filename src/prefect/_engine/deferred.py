"""Background tasks: a run is recorded as Scheduled, its parameters are stored, and a task worker executes it later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.ids import new_uuid
from prefect._engine import run as engine
from prefect._engine.mapping import mapped_parameters
from prefect.context import serialize_context
from prefect.futures import PrefectDistributedFuture, PrefectFutureList
from prefect.results import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.tasks import Task


def defer(
    task: Task[..., Any],
    parameters: dict[str, Any],
    wait_for: Iterable[Any] | None = None,
    dependencies: dict[str, set[Any]] | None = None,
) -> PrefectDistributedFuture[Any]:
    """Record a run for later; it and its parameters are on disk when this returns."""
    call = engine.make_call(task, parameters, wait_for=wait_for, dependencies=dependencies)
    parameters_id = new_uuid()
    stored: dict[str, Any] = {"parameters": parameters, "context": serialize_context()}
    if wait_for is not None:
        stored["wait_for"] = list(wait_for)
    ResultStore().update_for_task(task).write(key=f"parameters/{parameters_id}", obj=stored)
    details = {"deferred": True, "task_parameters_id": str(parameters_id), "scheduled_time": call.created}
    call.transition("SCHEDULED", "Scheduled", details=details)
    call.journal.commit()
    return PrefectDistributedFuture(UUID(bytes=call.id))


def defer_all(
    task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
) -> PrefectFutureList[Any]:
    """`defer` for each item of the iterable parameters."""
    return PrefectFutureList(defer(task, one, wait_for) for one in mapped_parameters(task, parameters))
