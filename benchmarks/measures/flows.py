"""An empty flow, called again and again from a script, and as a subflow of another one. Milliseconds."""

from __future__ import annotations

from timing import per_call, report

from prefect import flow


@flow
def empty(number: int) -> None:
    """A flow that does nothing."""


@flow
def parent() -> float:
    return per_call(empty, batch=5)


if __name__ == "__main__":
    report(flow_ms=per_call(empty, batch=5) / 1000, subflow_ms=parent() / 1000)
