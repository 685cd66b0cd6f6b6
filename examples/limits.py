"""Two limits: at most two queries at once, whoever asks, and at most twenty calls of an API a second."""

from __future__ import annotations

import threading
import time

from prefect import flow, get_client, task
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.exceptions import ObjectAlreadyExists

guard = threading.Lock()
inside = most = 0


def make_limit(name: str, limit: int, decay: float = 0.0) -> None:
    """Make a limit, unless there is one."""
    new = GlobalConcurrencyLimitCreate(name=name, limit=limit, slot_decay_per_second=decay)
    with get_client(sync_client=True) as client:
        try:
            client.create_global_concurrency_limit(new)
        except ObjectAlreadyExists:
            print(f"The limit {name!r} is there already.")


@task
def query(number: int) -> int:
    global inside, most
    with concurrency("example-database"):
        with guard:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)  # the query
        with guard:
            inside -= 1
    return number


@task
def call_api(number: int) -> float:
    rate_limit("example-api")
    return time.monotonic()


@flow
def limited() -> None:
    found = query.map(range(8)).result()
    print(f"{len(found)} queries, at most {most} at once")
    calls = sorted(call_api.map(range(10)).result())
    print(f"10 calls in {calls[-1] - calls[0]:.1f} s")


if __name__ == "__main__":
    make_limit("example-database", 2)
    make_limit("example-api", 2, decay=20.0)
    limited()
