"""Background tasks, and a worker of them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from prefect import flow, task


@task
def add(a: int, b: int = 2) -> int:
    return a + b


@task(tags=["shout"])
async def shout(text: str) -> str:
    return text.upper()


@task
def refuse() -> None:
    raise ValueError("no")


@task
def linger(mark: str, until: str) -> str:
    """Say that it runs; end when it is told to."""
    with Path(mark).open("a", encoding="utf-8") as file:
        file.write(f"{os.getpid()}\n")
    while not Path(until).exists():
        time.sleep(0.01)
    return "done"


@task
def die(mark: str) -> None:
    with Path(mark).open("a", encoding="utf-8") as file:
        file.write("dying\n")
    os.kill(os.getpid(), 9)


@flow
def leaves_one(a: int) -> str:
    return str(add.delay(a).task_run_id)


if __name__ == "__main__":
    from prefect.task_worker import serve

    serve(add, shout, refuse, linger, die, limit=int(sys.argv[1]) if len(sys.argv) > 1 else 10)
