"""A flow that needs no answer of its server until it ends, and says on stdout how far it is after every 100 steps.

`outlasting.py COUNT SECONDS BYTES`: so many steps, each of which takes that long and logs a line of that many bytes.
"""

from __future__ import annotations

import sys
import time

from prefect import flow, get_run_logger, task

COUNT, SECONDS, BYTES = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])


@task
def step(number: int) -> int:
    """Logs a line."""
    get_run_logger().info("step %d %s", number, "x" * BYTES)
    return number


@flow
def outlasting() -> None:
    """Steps, one after the other."""
    for number in range(1, COUNT + 1):
        step(number)
        time.sleep(SECONDS)
        if number % 100 == 0:
            print(number, flush=True)


if __name__ == "__main__":
    outlasting()
    print("returned", flush=True)
