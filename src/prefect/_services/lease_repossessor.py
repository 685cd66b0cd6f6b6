"""Slots of concurrency limits whose lease has expired are free again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prefect._storage import concurrency

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

SECONDS: Final = 15.0


def run_once(backend: LocalBackend, now_us: int) -> int:
    """Free them; how many leases had expired."""
    with backend.store.write() as cx:
        return concurrency.release_expired(cx, now_us)
