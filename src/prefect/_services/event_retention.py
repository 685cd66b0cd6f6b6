"""Events are forgotten after a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._storage import events

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

SECONDS: Final = 600.0
BATCH: Final = 2000


def run_once(backend: LocalBackend, now_us: int, *, keep_seconds: float) -> int:
    """Delete some of the events that were received longer ago than they are kept; how many."""
    with backend.store.write() as cx:
        return events.delete_before(cx, now_us - round(keep_seconds * 1_000_000), BATCH)
