"""Many slow answers at once: async tasks with gather, submit and as_completed.

    python examples/async_fanout.py

Twenty sensors are read in three ways. Each reading takes a tenth of a second, and each way takes about that
long for all of them together.
"""

from __future__ import annotations

import asyncio
import time

from prefect import flow, task
from prefect.futures import as_completed

SENSORS = range(20)


@task
async def read_sensor(sensor: int) -> float:
    await asyncio.sleep(0.1)  # stands for a network that takes its time
    return 20 + sensor / 10


@task
def mean(readings: list[float]) -> float:
    return sum(readings) / len(readings)


@flow
async def read_by_gather() -> float:
    """An async task is a coroutine function: everything in asyncio works with it."""
    return mean(await asyncio.gather(*(read_sensor(sensor) for sensor in SENSORS)))


@flow
async def read_by_submit() -> float:
    """`submit` returns a future at once; futures can be passed on and are resolved on the way."""
    readings = [read_sensor.submit(sensor) for sensor in SENSORS]
    return mean.submit(readings).result()


@flow
def read_as_completed() -> float:
    """A sync flow may run async tasks too, and take each result as soon as it is there."""
    readings: list[float] = []
    for future in as_completed(read_sensor.map(SENSORS)):
        readings.append(future.result())
    return mean(readings)


async def main() -> None:
    for read in (read_by_gather, read_by_submit):
        started = time.perf_counter()
        answer = await read()
        print(f"{read.name}: mean {answer:.2f} in {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    asyncio.run(main())
    print(f"{read_as_completed.name}: mean {read_as_completed():.2f}")
