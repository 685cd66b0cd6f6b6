"""Flows for the crash-test utility: one as it should be, one that does not repeat its calls, one that never completes."""

from __future__ import annotations

import random

from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner


@task
def double(x: int) -> int:
    return 2 * x


@task(persist_result=True)
def keep(x: int) -> int:
    return x


@flow
def steady(n: int) -> int:
    return keep(sum(double(x) for x in range(n)))


@flow
async def steady_async(n: int) -> int:
    return keep(sum(double.map(range(n)).result()))


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def pooled(n: int) -> int:
    return sum(double.map(double.map(range(n))).result())


@flow
def shuffled(n: int) -> int:
    numbers = random.sample(range(n), n)
    return sum(keep(x) for x in numbers)


@flow
def broken() -> None:
    raise ValueError("on purpose")
