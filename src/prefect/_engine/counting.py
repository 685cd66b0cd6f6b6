"""Numbers for the calls of a run, in their order."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def next_number(counters: dict[str, Iterator[int]], key: str) -> int:
    """The next number for a key; safe from many threads (`next` and `setdefault` are atomic)."""
    counter = counters.get(key)
    if counter is None:
        counter = counters.setdefault(key, count())
    return next(counter)
