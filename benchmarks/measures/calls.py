"""One task call inside a flow: direct, awaited, cached, persisted. Microseconds."""

from __future__ import annotations

import asyncio

from timing import per_awaited_call, per_call, report

from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE

CACHED = 50  # as many results as a batch has calls, so that each batch finds all of them


def bare(_: int) -> None:
    """What the task does: nothing."""


@task
def noop(_: int) -> None:
    """The same as a task."""


@task
async def async_noop(_: int) -> None:
    """The same as an async task."""


@task(cache_policy=INPUTS + TASK_SOURCE)
def cached(number: int) -> int:
    return number


@task(persist_result=True)
def durable(number: int) -> int:
    return number


@flow
def direct() -> float:
    return per_call(noop) - per_call(bare, seconds=0.1)


@flow
async def awaited() -> float:
    return await per_awaited_call(async_noop)


@flow
def misses() -> float:
    return per_call(cached)


@flow
def hits() -> float:
    for number in range(CACHED):
        cached(number)
    return per_call(lambda number: cached(number % CACHED))


@flow
def durably() -> float:
    return per_call(durable)


if __name__ == "__main__":
    report(
        direct_us=direct(),
        awaited_us=asyncio.run(awaited()),
        miss_us=misses(),
        hit_us=hits(),
        durable_us=durably(),
    )
