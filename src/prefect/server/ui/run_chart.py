"""The chart of runs: each at its start and its duration, drawn as one path for each state."""

from __future__ import annotations

from datetime import timedelta
from math import log10
from typing import TYPE_CHECKING, NamedTuple

from prefect._base.clock import to_datetime
from prefect.server.ui.words import duration

if TYPE_CHECKING:
    from datetime import datetime

    from prefect.model.requests.run_search import RunPoints

WIDTH, HEIGHT = 1000, 100
_TICKS = (1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 86_400_000, 864_000_000)  # ms
_BAD = frozenset(("failed", "crashed"))


class Chart(NamedTuple):
    """What is drawn. Times are milliseconds since 1970, durations milliseconds; y runs along their logarithms."""

    paths: list[tuple[str, str, bool]]  # state, path, whether its dots are square
    ticks: list[tuple[str, float]]  # duration, percent from the top
    times: list[datetime]
    start: int
    end: int
    low: float
    high: float
    sampled: bool


def chart_of(found: RunPoints) -> Chart | None:
    """The chart; None where there is nothing to draw."""
    points = [
        (state.lower(), start // 1000, max(1.0, length / 1000)) for state, start, length in found.points
    ]
    if not points:
        return None
    start, end = min(one[1] for one in points), max(one[1] for one in points)
    end = max(end, start + 1000)
    low = 10 ** int(log10(min(one[2] for one in points)))
    high = max(max(one[2] for one in points) * 1.25, low * 10)
    dots: dict[str, set[tuple[int, int]]] = {}
    for state, at, length in points:
        x = round((at - start) / (end - start) * WIDTH)
        y = round(HEIGHT - log10(length / low) / log10(high / low) * HEIGHT)
        dots.setdefault(state, set()).add((x, y))
    paths = [
        (state, "".join(f"M{x} {y}h0" for x, y in sorted(some)), state in _BAD)
        for state, some in sorted(dots.items(), key=lambda one: one[0] in _BAD)
    ]
    ticks = [
        (duration(timedelta(milliseconds=one)), round(100 - log10(one / low) / log10(high / low) * 100, 1))
        for one in _TICKS
        if low <= one < high
    ]
    times = [to_datetime((start + (end - start) * part // 4) * 1000) for part in range(5)]
    return Chart(paths, ticks, times, start, end, low, round(high, 3), found.sampled)
