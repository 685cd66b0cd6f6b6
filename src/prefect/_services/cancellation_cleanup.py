"""What a cancelled run leaves behind is cancelled too, and a run that does not stop is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._backend.task_run_end import end_task_run
from prefect._base.ids import new_id
from prefect._services._moves import move
from prefect._storage import due
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

BATCH: Final = 200
TIMEOUT_SECONDS: Final = 300.0
_DAY_US: Final = 86_400_000_000  # what was cancelled longer ago has been looked at


def run_once(backend: LocalBackend, now_us: int, *, timeout_seconds: float = TIMEOUT_SECONDS) -> int:
    """One round; how many flow runs and task runs it changed.

    Args:
        backend: on the store.
        now_us: microseconds UTC.
        timeout_seconds: how long a run may be Cancelling before it is Cancelled, stopped or not.
    """
    return (
        _give_up(backend, now_us, now_us - round(timeout_seconds * 1_000_000))
        + _cancel_children(backend, now_us)
        + _cancel_task_runs(backend, now_us)
    )


def _give_up(backend: LocalBackend, now_us: int, before: int) -> int:
    found = due.cancelling_since(backend.store, before, BATCH)
    message = "The run did not stop in time."
    return sum(move(backend, run, _state("CANCELLED", now_us, message), force=True) for run in found)


def _cancel_children(backend: LocalBackend, now_us: int) -> int:
    """A child that some process or worker executes is asked to stop; one that nobody does is cancelled."""
    changed = 0
    for run in due.children_of_cancelled(backend.store, now_us - _DAY_US, BATCH):
        stoppable = run.owner is not None or run.deployment_id is not None
        state = _state("CANCELLING" if stoppable else "CANCELLED", now_us, "The parent run was cancelled.")
        changed += move(backend, run, state)
    return changed


def _cancel_task_runs(backend: LocalBackend, now_us: int) -> int:
    since = now_us - _DAY_US
    if not due.task_runs_of_cancelled(backend.store, since, 1):
        return 0  # a look takes no lock
    with backend.journal.transaction() as cx:  # what the journal still holds comes first
        found = due.task_runs_of_cancelled(cx, since, BATCH)
        for run in found:
            end_task_run(cx, run, "CANCELLED", "The flow run was cancelled.", now_us)
    return len(found)


def _state(state_type: str, now_us: int, message: str) -> StateRecord:
    return StateRecord(new_id(), state_type, state_type.title(), now_us, message)
