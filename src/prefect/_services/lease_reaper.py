"""Runs whose process is dead, or whose lease has expired, become Crashed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

SECONDS: Final = 5.0


def run_once(backend: LocalBackend, now_us: int) -> int:  # noqa: ARG001 - a lease is compared with the clock itself
    """Crash what the dead have left; how many flow runs that were."""
    backend.hear()  # leases that ran out while no server was up are given the time to be renewed
    return len(backend.reap())
