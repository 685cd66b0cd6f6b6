"""Task runners: where submitted tasks are executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._runners.base import TaskRunner
from prefect._runners.remote import restored
from prefect._runners.threads import ThreadPoolTaskRunner
from prefect.context import register_restorer

if TYPE_CHECKING:
    from prefect._runners.processes import ProcessPoolTaskRunner

__all__ = ["ConcurrentTaskRunner", "ProcessPoolTaskRunner", "TaskRunner", "ThreadPoolTaskRunner"]

ConcurrentTaskRunner = ThreadPoolTaskRunner
register_restorer(restored)


def __getattr__(name: str) -> Any:
    if name == "ProcessPoolTaskRunner":
        from prefect._runners.processes import ProcessPoolTaskRunner  # multiprocessing: 20 ms few flows need

        return ProcessPoolTaskRunner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
