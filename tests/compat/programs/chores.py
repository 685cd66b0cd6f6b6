"""A background task, and a worker that executes it."""

from __future__ import annotations

from prefect import task
from prefect.task_worker import serve


@task(persist_result=True)
def slow_sum(a: int, b: int = 1) -> int:
    if not a:
        raise ValueError("nothing to add")
    return a + b


if __name__ == "__main__":
    serve(slow_sum)
