"""An isolated store for one test, in which an empty flow runs once. Milliseconds."""

from __future__ import annotations

import statistics
import time

from timing import report

from prefect import flow
from prefect.testing.utilities import prefect_test_harness

TIMES = 3


@flow
def empty() -> None:
    """A flow that does nothing."""


def isolated() -> float:
    began = time.perf_counter()
    with prefect_test_harness():
        empty()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    isolated()  # what is imported once in a process is not the store's cost
    report(harness_ms=statistics.median(isolated() for _ in range(TIMES)))
