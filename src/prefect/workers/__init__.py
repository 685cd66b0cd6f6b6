"""Workers: processes that execute the runs of a work pool, each on infrastructure of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.workers.process import ProcessWorker

__all__ = ["ProcessWorker"]


def __getattr__(name: str) -> Any:
    if name == "ProcessWorker":
        from prefect.workers.process import ProcessWorker  # imported when it is first used

        return ProcessWorker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
