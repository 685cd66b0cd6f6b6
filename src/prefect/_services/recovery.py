"""What a dead runner has left is executed by another: runs that it had taken, and runs that crashed with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._backend import executors
from prefect._base.ids import new_id
from prefect._services._moves import move
from prefect._storage import due
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

SECONDS: Final = 5.0
BATCH: Final = 200
START_SECONDS: Final = 60.0  # so long a runner's process may take to begin with a run
_HOUR_US: Final = 3_600_000_000  # what has crashed longer ago has been looked at


def run_once(backend: LocalBackend, now_us: int) -> int:
    """Schedule them again; how many that were."""
    return _crashed(backend, now_us) + _never_begun(backend, now_us)


def _crashed(backend: LocalBackend, now_us: int) -> int:
    found = due.crashed_since(backend.store, now_us - _HOUR_US, BATCH)
    return sum(executors.recover(backend, run.id) for run in found)


def _never_begun(backend: LocalBackend, now_us: int) -> int:
    found = due.taken_since(backend.store, now_us - round(START_SECONDS * 1_000_000), BATCH)
    said = "Whoever had taken the run has not begun with it."
    moved = 0
    for run in found:
        details = {"scheduled_time": run.details.get("scheduled_time", now_us)}
        state = StateRecord(new_id(), "SCHEDULED", executors.HANDED_OVER, now_us, said, None, details)
        moved += move(backend, run, state)
    return moved
