"""Serves flows until it is told to stop, and notes what they do, a line each, in the file NOTES.

`served.py LIMIT [SECONDS]`: so many runs at once; one of the flows has a schedule with a slot every so many seconds.
With CLOCK, a file, the machine's clock is ahead by as many seconds as stand there, in every process.
"""

from __future__ import annotations

import os
import sys
import time

from faults.slept import Slept
from prefect import flow, serve, task
from prefect._base import clock
from prefect.runtime import flow_run

if "CLOCK" in os.environ:
    slept = clock.use_clock(Slept(os.environ["CLOCK"]))
    slept.__enter__()  # until the process ends


def note(*words: object) -> None:
    """One write: lines of several processes do not mix."""
    with open(os.environ["NOTES"], "a") as file:
        file.write(" ".join(map(str, words)) + "\n")


@task(persist_result=True)
def durable(number: int) -> int:
    note("durable", number)
    return number


@flow
def job(number: int, words: int = 0, seconds: float = 0.05) -> int:
    value = durable(number)
    print("word " * words)
    note("begun", number)
    time.sleep(seconds)
    return value


@flow
def tick() -> None:
    note("tick", flow_run.scheduled_start_time)


@flow
def long(until: str) -> None:
    """Goes on until there is a file."""
    note("waiting")
    while not os.path.exists(until):
        time.sleep(0.02)
    note("waited")


if __name__ == "__main__":
    seconds = float((*sys.argv, "0")[2])
    served = [job.to_deployment("queued", concurrency_limit=3), long.to_deployment("long")]
    if seconds:
        served.append(tick.to_deployment("ticking", interval=seconds))
    serve(*served, limit=int(sys.argv[1]), pause_on_shutdown=False)
