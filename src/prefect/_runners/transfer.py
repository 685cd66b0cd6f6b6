"""A task call between two processes: what is sent out, and what comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._engine.inputs import frozen
from prefect._engine.task_call import TaskCall
from prefect._engine.task_facts import MEMO, NAME

if TYPE_CHECKING:
    from prefect.tasks import Task


def identity_of(call: TaskCall) -> tuple[Any, ...]:
    """What makes it the same call elsewhere; results stand in the place of futures, which cannot leave."""
    return call.id, call.fixed, call.created, {name: frozen(value) for name, value in call.parameters.items()}


def call_elsewhere(task: Task[..., Any], identity: tuple[Any, ...], *, flow: Any) -> TaskCall:
    """The same call in another process, with the columns that were given to it where it was made."""
    run_id, fixed, created, parameters = identity
    call = TaskCall(task, parameters, None, None, flow=flow, parent=None, backend=flow.backend, run_id=run_id)
    call.fixed, call.created = fixed, created
    call.name, call.memo = fixed[NAME], fixed[MEMO]
    return call


def outcome_of(call: TaskCall) -> tuple[Any, ...]:
    """What the process that sent the call out needs to know of how the run ended."""
    ended = (call.now, call.run_count, call.done)
    return (*ended, call.value, call.exception, call.persisted, call.returned_state)


def take_outcome(call: TaskCall, now: tuple[Any, ...], run_count: int, done: bool, *rest: Any) -> None:
    """End as the run ended in another process, which has recorded it."""
    call.now = now
    call.state_type, call.state_name, call.state_timestamp, call.state_message = now[:4]
    call.start_time_us, call.end_time = now[4:6]
    call.run_count, call.done = run_count, done
    call.value, call.exception, call.persisted, call.returned_state = rest
    if call.flow is not None and call.state_type == "COMPLETED":
        call.flow.lineage.remember(call.value, call.id)
