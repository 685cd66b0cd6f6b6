"""Paused runs that nobody resumed in time fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._base.ids import new_id
from prefect._orchestration.flow_pauses import NEVER_RESUMED
from prefect._services._moves import move
from prefect._storage import due
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend


def run_once(backend: LocalBackend, now_us: int) -> int:
    """Fail what should have been resumed before now; how many runs that were."""
    expired = [run for run in due.pauses_with_timeout(backend.store) if run.details["pause_timeout"] < now_us]
    failed = 0
    for run in expired:
        state = StateRecord(new_id(), "FAILED", "Failed", now_us, NEVER_RESUMED)
        failed += move(backend, run, state, force=True)
    return failed
