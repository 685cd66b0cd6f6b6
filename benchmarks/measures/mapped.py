"""`.map` of 10,000 no-op tasks on eight threads, until the last result is there. Microseconds per task."""

from __future__ import annotations

import time

from timing import report

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

TASKS = 10_000


@task
def noop(_: int) -> None:
    """Nothing."""


@flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
def mapped() -> float:
    noop.map(range(8)).wait()  # the threads are there
    started = time.perf_counter()
    noop.map(range(TASKS)).wait()
    return (time.perf_counter() - started) / TASKS * 1e6


if __name__ == "__main__":
    report(map_us=mapped())
