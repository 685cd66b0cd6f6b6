"""A flow whose task waits for a signal, or exits. What becomes of it is told on standard output, line by line.

Arguments: `sync` or `async`, then `wait` or `exit`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import Any

from conformance.forms import Async, Sync
from prefect import flow, task

form = {"sync": Sync(), "async": Async()}[sys.argv[1]]


def tell(*words: object) -> None:
    print(*words, flush=True)


def tell_crash(flow: Any, flow_run: Any, state: Any) -> None:
    tell("hook:", state.name, state.message)


def previous_handler(*_: object) -> None:
    tell("previous handler called")


@task
@form
def last_words():
    if sys.argv[2] == "exit":
        sys.exit(3)
    tell("ready")
    yield asyncio.sleep(30) if form.is_async else time.sleep(30)


@flow(on_crashed=[tell_crash])
@form
def pipeline():
    yield last_words()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, previous_handler)
    try:
        form.run(pipeline)
    except BaseException as error:
        tell("raised:", type(error).__name__)
        tell("handler restored:", signal.getsignal(signal.SIGTERM) is previous_handler)
        raise
