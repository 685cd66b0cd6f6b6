"""Background tasks: a run is recorded as Scheduled, its parameters are stored, and a task worker executes it later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend.resolve import backend
from prefect._base.ids import new_uuid
from prefect._engine import run as engine
from prefect._engine.inputs import as_wait_for
from prefect._engine.mapping import mapped_parameters
from prefect._engine.task_call import TaskCall
from prefect._engine.task_facts import CHANGING, from_json
from prefect.context import serialize_context
from prefect.futures import PrefectDistributedFuture, PrefectFutureList
from prefect.model.history import entries_of, states_of
from prefect.results import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.model.records import TaskRunRecord
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
    if call.backend.queues_rows:
        call.transition("SCHEDULED", "Scheduled", details=details)
        call.journal.commit()
    else:
        call.queued = True  # its row goes by the API, and not by the journal
        call.transition("SCHEDULED", "Scheduled", details=details)
        call.backend.create_task_run(call.record)
    return PrefectDistributedFuture(UUID(bytes=call.id))


def execute(task: Task[..., Any], row: TaskRunRecord) -> TaskCall:
    """Execute a background run that is this process's; whatever it raises stays in its state.

    Its result is persisted unless the task forbids it: who waits for it is another process.
    """
    call = taken_up(task, row)
    try:
        stored = read_stored_parameters(task, row)
        call.parameters = task.binder.completed(stored["parameters"])
        call.wait_for = as_wait_for(stored.get("wait_for"))
    except Exception as exc:
        call.exception = exc
        call.transition("FAILED", "Failed", f"Its parameters cannot be read: {exc!r}")
        call.done = True
    else:
        engine.execute_in_worker(call)
    call.journal.commit()
    return call


def taken_up(task: Task[..., Any], row: TaskRunRecord) -> TaskCall:
    """The run as it stands, as a call in this process."""
    call = TaskCall(task, {}, None, None, flow=None, parent=None, backend=backend(), run_id=row.id)
    call.fixed, call.name, call.memo = tuple(row[:CHANGING]), row.name, None
    call.detail = {**(from_json(row.detail) if row.detail else {}), **(call.detail or {})} or None
    call.history = [tuple(entry) for entry in entries_of(row)]
    call.run_count, call.start_time_us = row.run_count, row.start_time
    call.state_type, call.state_name = row.state_type, row.state_name
    call.state_timestamp, call.state_message = row.state_timestamp, row.state_message
    if task.persist_result is None:
        call.persist_result = True
    return call


def read_stored_parameters(task: Task[..., Any], row: TaskRunRecord) -> dict[str, Any]:
    """What `defer` has stored with the run. Raises ValueError where it stored nothing."""
    for state in reversed(states_of(row)):
        found = (state.details or {}).get("task_parameters_id")
        if found is not None:
            record = ResultStore().update_for_task(task).read(key=f"parameters/{found}")
            return record.result
    raise ValueError("Expected the id of stored parameters in its states, found none.")


def defer_all(
    task: Task[..., Any], parameters: dict[str, Any], wait_for: Iterable[Any] | None = None
) -> PrefectFutureList[Any]:
    """`defer` for each item of the iterable parameters."""
    return PrefectFutureList(defer(task, one, wait_for) for one in mapped_parameters(task, parameters))
