"""Runs that nobody started in time become Late; of a full deployment that wants no queue, Cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._base.ids import new_id
from prefect._services._moves import move
from prefect._storage import due
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

BATCH: Final = 200
AFTER_SECONDS: Final = 15.0


def run_once(backend: LocalBackend, now_us: int, *, after_seconds: float = AFTER_SECONDS) -> int:
    """Mark what should have started `after_seconds` ago; how many runs that were."""
    found = due.late(backend.store, now_us - round(after_seconds * 1_000_000), BATCH)
    marked = 0
    for run in found:
        # its time stays: whoever takes it up later sees how late it is
        details = {"scheduled_time": run.details.get("scheduled_time")}
        state = StateRecord(new_id(), "SCHEDULED", "Late", now_us, None, None, details)
        marked += move(backend, run, state)
    return marked
