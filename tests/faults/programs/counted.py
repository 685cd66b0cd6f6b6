"""A program of many small flows, for tests that take its database away meanwhile. It says a line after each.

counted.py FLOWS TASKS    each with a log line, run by threads for half of the flows
counted.py fork           a flow run before a fork, then one in the parent and one in the child
"""

from __future__ import annotations

import os
import sys

from prefect import flow, get_run_logger, task


@task
def step(n: int) -> int:
    get_run_logger().info("step %d", n)
    return n


@flow
def counted(number: int, tasks: int) -> int:
    if number % 2:
        return sum(step.map(list(range(tasks))).result())
    return sum(step(n) for n in range(tasks))


def many(flows: str, tasks: str) -> None:
    for number in range(int(flows)):
        assert counted(number, int(tasks)) == sum(range(int(tasks)))
        print("recorded", number, flush=True)


def fork() -> None:
    counted(0, 3)
    child = os.fork()
    counted(2 if child else 1, 3)
    if child:
        _, status = os.waitpid(child, 0)
        counted(3, 3)
        sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    if sys.argv[1:] == ["fork"]:
        fork()
    else:
        many(*sys.argv[1:])
