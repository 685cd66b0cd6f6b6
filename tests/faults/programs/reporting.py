"""A flow that says on stdout how far it is, and waits for a line on stdin where it is told to.

`reporting.py COUNT SECONDS [PAUSE_AT]`: so many tasks, each of which takes that long; before task PAUSE_AT it waits.
"""

from __future__ import annotations

import sys
import time

from prefect import flow, get_run_logger, task

COUNT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
PAUSE_AT = int(sys.argv[3]) if len(sys.argv) > 3 else -1


@task
def step(number: int) -> int:
    """Takes its time, and logs a line."""
    get_run_logger().info("step %d", number)
    time.sleep(SECONDS)
    return number


@task(persist_result=True)
def durable(number: int) -> int:
    """Its result is kept: it is not run again once it has returned."""
    return number


@flow
def part(number: int) -> int:
    """A subflow."""
    return step(number)


@flow
def reporting() -> int:
    """Every tenth step is a subflow, every seventh durable."""
    total = 0
    for number in range(COUNT):
        if number == PAUSE_AT:
            print("paused", flush=True)
            sys.stdin.readline()
        kind = part if number % 10 == 9 else durable if number % 7 == 6 else step
        total += kind(number)
        print(number, flush=True)
    return total


if __name__ == "__main__":
    print("returned", reporting(), flush=True)
