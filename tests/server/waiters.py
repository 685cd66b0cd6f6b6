"""A process that holds or waits for slots, for tests that kill it. argv: what to do, the name of the limit."""

from __future__ import annotations

import sys
import time

from prefect import flow, task
from prefect.concurrency.sync import concurrency


@flow(name="holds")
def holds(name: str) -> None:
    with concurrency(name):
        print("holding", flush=True)
        time.sleep(60)


@flow(name="tagged")
def tagged(name: str) -> None:
    @task(tags=[name])
    def sleeper() -> None:
        print("holding", flush=True)
        time.sleep(60)

    sleeper()


@flow(name="waits")
def waits(name: str) -> None:
    print("waiting", flush=True)
    with concurrency(name):
        print("holding", flush=True)


if __name__ == "__main__":
    {"holds": holds, "tagged": tagged, "waits": waits}[sys.argv[1]](sys.argv[2])
