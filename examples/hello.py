"""The smallest pipeline: one flow that calls one task.

python examples/hello.py
python examples/hello.py Ada
"""

from __future__ import annotations

import sys

from prefect import flow, task


@task
def greet(name: str) -> str:
    return f"Hello, {name}!"


@flow(log_prints=True)
def hello(name: str = "world") -> str:
    greeting = greet(name)
    print(greeting)
    return greeting


if __name__ == "__main__":
    hello(*sys.argv[1:2])
