"""A flow that holds in the middle until a line comes on stdin: in a task of its own (HOLDS is 1), or of a subflow (2).

What each attempt does is written to the file that NOTES names, with WHO it is.
"""

from __future__ import annotations

import os
import sys

from prefect import flow, get_run_logger, task


def note(what: str) -> None:
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{os.environ['WHO']} {what}\n")


@task(persist_result=True)
def early(number: int) -> int:
    """Durable: whoever comes next finds it."""
    note(f"early {number}")
    return number


@task
def hold(number: int) -> int:
    """Says that it holds, and goes on when it is told to."""
    note("hold")
    if os.environ.get("HOLDS") == str(number):
        print("holding", flush=True)
        sys.stdin.readline()
    return number


@task(persist_result=True)
def late(number: int) -> str:
    """Tells who ran it."""
    get_run_logger().info("late %d by %s", number, os.environ["WHO"])
    note(f"late {number}")
    return os.environ["WHO"]


@flow
def middle(number: int) -> int:
    """The subflow that may hold."""
    return hold(number) + early(10 + number)


@flow
def last() -> str:
    """A subflow that begins after that."""
    return late(100)


@flow(persist_result=True)
def waking() -> list[str]:
    """Who ran what comes late."""
    for number in range(3):
        early(number)
    hold(1)
    middle(2)
    return [late(number) for number in range(3)] + [last()]


if __name__ == "__main__":
    print("returned", *waking(), flush=True)
