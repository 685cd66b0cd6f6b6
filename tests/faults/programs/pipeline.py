"""A pipeline that notes what it does, for the tests that kill it.

In the file that NOTES names, a line is written for every body that starts (`ran NAME`), for every durable task once it
has returned (`kept NAME`) and at the end (`total N`). A task of the name in EXIT_IN ends the process then and there.
"""

from __future__ import annotations

import os

from prefect import flow, task
from prefect.runtime import task_run

ITEMS = 6
TOTAL = 2350


def note(word: str, value: object) -> None:
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(f"{word} {value}\n")


def ran() -> None:
    note("ran", task_run.name)
    if task_run.name == os.environ.get("EXIT_IN"):
        os._exit(7)


@task(task_run_name="extract-{x}")
def extract(x: int) -> int:
    ran()
    return 10 * x


@task(task_run_name="keep-{x}", persist_result=True)
def keep(x: int) -> int:
    ran()
    return x + 1


@task(task_run_name="transform-{x}")
def transform(x: int) -> int:
    ran()
    return 2 * x


@task(task_run_name="inner-{x}")
def inner(x: int) -> int:
    ran()
    return x


@task(task_run_name="outer-{x}")
def outer(x: int) -> int:
    ran()
    return inner(x) + 1


@task(task_run_name="flaky-{x}", retries=1, retry_delay_seconds=0.01)
def flaky(x: int) -> int:
    ran()
    if task_run.run_count == 1:
        raise ValueError("the first attempt fails")
    return x


def keep_for_good(x: int) -> int:
    kept = keep(x)
    note("kept", f"keep-{x}")
    return kept


@flow
def part(n: int) -> int:
    extracted = [extract(100 + x) for x in range(n)]
    return sum(extracted) + keep_for_good(n) + outer(n)


@flow
def pipeline(n: int = ITEMS) -> int:
    extracted = [extract(x) for x in range(n)]
    transformed = transform.map([keep_for_good(value) for value in extracted])
    total = flaky(1) + part(2) + sum(transformed.result()) + outer(20)
    note("total", total)
    return total


if __name__ == "__main__":
    print("started", flush=True)
    pipeline()
