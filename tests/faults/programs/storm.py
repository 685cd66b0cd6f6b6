"""Many flows at once, each with its tasks, a line of log for each step, durable results and subflows.

`storm.py FIRST FLOWS TASKS SECONDS [WORDS]`: so many flows, from number FIRST on, at the same time, each with so many
steps one after the other, each of which takes that long and logs so many words more. Of 25 steps one is in a subflow,
of 10 one is durable.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

from prefect import flow, get_run_logger, task

FIRST, FLOWS, TASKS = map(int, sys.argv[1:4])
SECONDS = float(sys.argv[4])
WORDS = " and so on" * int((*sys.argv, "0", "0")[5])


@task
def step(number: int) -> int:
    """Takes its time, and logs a line."""
    get_run_logger().info("step %d%s", number, WORDS)
    time.sleep(SECONDS)
    return number


@task(persist_result=True)
def durable(number: int) -> int:
    """Its result is kept."""
    get_run_logger().info("step %d", number)
    return number


@flow
def part(number: int) -> int:
    """A subflow."""
    return step(number)


@flow(name="storm")
def storm(number: int, tasks: int) -> int:
    """One of many."""
    print("started", flush=True)
    total = 0
    for n in range(tasks):
        total += (part if n % 25 == 24 else durable if n % 10 == 9 else step)(n)
    return total


if __name__ == "__main__":
    with ThreadPoolExecutor(FLOWS) as threads:
        found = [threads.submit(storm, FIRST + n, TASKS) for n in range(FLOWS)]
        assert [one.result() for one in found] == [sum(range(TASKS))] * FLOWS
