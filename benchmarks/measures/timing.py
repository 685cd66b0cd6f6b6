"""What the measuring scripts share: how to time a call fairly, and how to report. Standard library only."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0  # how long each loop measures
BATCH = 50


def per_call(call: Callable[[int], object], seconds: float = SECONDS, batch: int = BATCH) -> float:
    """Microseconds of one call, the median over batches after one to warm up. Each call gets a new number."""
    times: list[float] = []
    number = run_batch(call, 0, batch)
    ends = time.perf_counter() + seconds
    while not times or time.perf_counter() < ends:
        started = time.perf_counter()
        number = run_batch(call, number, batch)
        times.append((time.perf_counter() - started) / batch)
    return statistics.median(times) * 1e6


def run_batch(call: Callable[[int], object], first: int, batch: int) -> int:
    for number in range(first, first + batch):
        call(number)
    return first + batch


async def per_awaited_call(call: Callable[[int], Awaitable[object]], seconds: float = SECONDS) -> float:
    """The same for a coroutine function."""
    times: list[float] = []
    first, ends = 0, time.perf_counter() + seconds
    while len(times) < 2 or time.perf_counter() < ends:
        started = time.perf_counter()
        for number in range(first, first + BATCH):
            await call(number)
        times.append((time.perf_counter() - started) / BATCH)
        first += BATCH
    return statistics.median(times[1:]) * 1e6


def report(**figures: float) -> None:
    """Print the figures as the last line of the script."""
    print(json.dumps(figures), flush=True)


def report_parts(parts: Mapping[str, Callable[[], Mapping[str, float]]]) -> None:
    """Report what all parts find, or only those that the command line names after the seconds."""
    wanted = [name for name in sys.argv[2:] if name in parts] if len(sys.argv) > 2 else parts
    report(**{figure: value for name in wanted for figure, value in parts[name]().items()})
