"""Handing background runs out to task workers: each to one, and to another where it was not acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._base.clock import now_us
from prefect._storage import task_queue
from prefect.model.history import states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Store
    from prefect.model.records import TaskRunRecord

LEASE_US = (
    600_000_000  # so long a run stays with a worker that does not acknowledge it, should this server die
)
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


def acknowledge(store: Store, run_id: bytes) -> None:
    """Its worker has it: it is given to nobody else."""
    with store.write() as cx:
        task_queue.claim(cx, run_id)


def give_back(store: Store, run_id: bytes) -> None:
    """Its worker has gone without a word."""
    with store.write() as cx:
        task_queue.release(cx, run_id)
