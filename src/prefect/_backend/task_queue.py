"""Handing background runs out to task workers: each to one, and to another where it was not acknowledged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prefect._backend import slots
from prefect._base.clock import now_us
from prefect._storage import task_queue, task_runs
from prefect.model.history import history_with, states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Store, Transaction
    from prefect.model.records import TaskRunRecord

LEASE_US = (
    600_000_000  # so long a run stays with a worker that does not acknowledge it, should this server die
)
MOST_TRIES = 3  # a run that kills its workers is not tried for ever
_LOOK_AT = 50


def take(store: Store, task_keys: Sequence[str]) -> TaskRunRecord | None:
    """The oldest run of these tasks that is due, which is nobody else's from now on; None where there is none.

    Raises:
        StoreError: the store cannot be written.
    """
    now = now_us()
    with store.write() as cx:
        for run in task_queue.waiting(cx, task_keys, now, _LOOK_AT):
            details = states_of(run)[-1].details or {}
            if details.get("deferred") and details.get("scheduled_time", 0) <= now:
                task_queue.claim(cx, run.id, now + LEASE_US)
                return run
    return None


def is_any_waiting(store: Store, task_keys: Sequence[str]) -> bool:
    """Whether it is worth to `take`: a look that writes nothing."""
    return task_queue.is_any_waiting(store, task_keys, now_us())


def adopt(cx: Transaction, run_id: bytes, process_id: bytes) -> TaskRunRecord | None:
    """A process executes the run from now on, and its death is noticed: Pending. None where another one does."""
    run = task_runs.held(cx, [run_id]).get(run_id)
    if run is None or run.state_type != "SCHEDULED":
        return None
    details = {name: value for name, value in _details(run).items() if name != "scheduled_time"}
    adopted = _moved(run, "PENDING", "Pending", None, details)._replace(process_id=process_id)
    task_runs.replace(cx, [adopted])
    task_queue.claim(cx, run_id)
    return adopted


def is_background(run: TaskRunRecord) -> bool:
    """Whether the run was left for a worker."""
    return run.history is not None and bool(_scheduled_as(run))


def may_run_again(run: TaskRunRecord) -> bool:
    """Whether a background run whose worker has died is given to another one: not for ever."""
    # how often it was left for a worker: a run that kills its workers at once is never seen running
    tries = sum(
        bool((state.details or {}).get("deferred")) for state in states_of(run) if state.type == "SCHEDULED"
    )
    return 0 < tries < MOST_TRIES


def reschedule(cx: Transaction, run: TaskRunRecord, cause: str) -> None:
    """Its worker has died: another one takes it up. Results that it has recorded are found again."""
    details = {**_scheduled_as(run), "scheduled_time": now_us()}
    again = _moved(run, "SCHEDULED", "Scheduled", f"{cause} Another worker takes it up.", details)
    task_runs.replace(cx, [again._replace(process_id=None)])
    slots.give_back_all(cx, [run.id])
    task_queue.release(cx, run.id)


def _details(run: TaskRunRecord) -> dict[str, Any]:
    return dict(states_of(run)[-1].details or {})


def _scheduled_as(run: TaskRunRecord) -> dict[str, Any]:
    """The details of the state in which it was left for a worker; none where it never was."""
    for state in states_of(run):
        if state.type == "SCHEDULED" and (state.details or {}).get("deferred"):
            return dict(state.details or {})
    return {}


def _moved(
    run: TaskRunRecord, state_type: str, name: str, message: str | None, details: dict[str, Any]
) -> TaskRunRecord:
    now = max(now_us(), run.state_timestamp + 1)
    entry = [state_type, name, now, message, details]
    return run._replace(
        state_type=state_type,
        state_name=name,
        state_timestamp=now,
        state_message=message,
        history=json.dumps(history_with(run, entry)),
    )


def acknowledge(store: Store, run_id: bytes) -> None:
    """Its worker has it: it is given to nobody else."""
    with store.write() as cx:
        task_queue.claim(cx, run_id)


def give_back(store: Store, run_id: bytes) -> None:
    """Its worker has gone without a word."""
    with store.write() as cx:
        task_queue.release(cx, run_id)
