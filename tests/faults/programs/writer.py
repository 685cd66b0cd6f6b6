"""A program that writes to its store until that refuses. Says, a line each, what was recorded, and what failed.

writer.py flows N [BYTES]    N flow runs with a log line of BYTES each, at most BYTES_LIMIT bytes a file
writer.py fork               a flow run before a fork, then one in the parent and one in the child
"""

from __future__ import annotations

import os
import resource
import sys

from prefect import flow, get_run_logger, task
from prefect.exceptions import StoreError


@task
def note(size: int) -> None:
    get_run_logger().warning("x" * size)


@flow
def one(n: int, size: int) -> int:
    note(size)
    return n


def flows(count: str, size: str = "10") -> None:
    limit = int(os.environ.get("BYTES_LIMIT", "0"))
    if limit:
        one(-1, 10)  # the store is there
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for n in range(int(count)):
        try:
            one(n, int(size))
        except StoreError as error:
            print("refused", error, flush=True)
            break
        print("recorded", n, flush=True)
    if limit and os.environ.get("AND_THEN_ROOM"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        one(1_000_000, 10)
        print("recorded", 1_000_000, flush=True)


def fork() -> None:
    one(1, 10)
    child = os.fork()
    one(3 if child else 2, 10)
    if child:
        _, status = os.waitpid(child, 0)
        one(4, 10)
        sys.exit(os.waitstatus_to_exitcode(status))


def wait_and_open() -> None:
    sys.stdin.read()  # until the test lets everybody go at once
    one(1, 10)


if __name__ == "__main__":
    {"flows": flows, "fork": fork, "wait_and_open": wait_and_open}[sys.argv[1]](*sys.argv[2:])
