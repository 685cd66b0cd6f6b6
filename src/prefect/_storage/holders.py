"""Whether a run holds slots of concurrency limits: asked at the end of each, so that this module is a small one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries


def holds_slots(source: Queries, run_id: bytes) -> bool:
    """Whether there is a lease for the run."""
    return source.row("SELECT 1 FROM concurrency_lease WHERE holder_id = ? LIMIT 1", (run_id,)) is not None
