"""A flow whose second task waits the first time it is run, on whichever machine that is."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from prefect import flow, task

WORDS = Path(os.environ["MACHINES_WORDS"])


def say(word: str) -> None:
    with WORDS.open("a") as words:
        words.write(f"{word} on {socket.gethostname()}\n")


@task(persist_result=True)
def first() -> int:
    say("first")
    return 1


@task
def second(value: int) -> int:
    say("second")
    if socket.gethostname() == "machine-a":
        time.sleep(120)  # until the machine is lost
    return value + 1


@flow
def both() -> int:
    return second(first())
