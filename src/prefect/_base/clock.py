"""Time, in one place, so that tests can move it.

Times are integer microseconds since the epoch, UTC. A test installs its own clock with `use_clock`; retries,
delays, leases and expirations all ask here.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator

UTC = timezone.utc
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Clock(Protocol):
    """What a clock answers: the wall time in microseconds UTC, and how to wait."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Suspend this coroutine for `seconds`."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def sleep(self, seconds: float) -> None:
        """Block this thread for `seconds`."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Suspend this coroutine for `seconds`."""
        import asyncio  # 30 ms of import that sync programs never need

        await asyncio.sleep(seconds)


class VirtualClock:
    """A clock that only moves when it is told to, or when somebody sleeps on it: waiting costs no time."""

    def __init__(self, start_us: int | None = None) -> None:
        self._now = SystemClock().now_us() if start_us is None else start_us
        self._lock = threading.Lock()  # every thread reads the same clock

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC; every reading is one microsecond later than the one before."""
        with self._lock:
            self._now += 1
            return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward (or, to test a clock change, back) by `seconds`."""
        with self._lock:
            self._now += round(seconds * 1_000_000)

    def sleep(self, seconds: float) -> None:
        """Move the clock by `seconds`, let other threads run, and return at once."""
        self.advance(seconds)
        time.sleep(0)

    async def sleep_async(self, seconds: float) -> None:
        """Move the clock by `seconds`, let other coroutines run, and return at once."""
        import asyncio  # 30 ms of import that sync programs never need

        self.advance(seconds)
        await asyncio.sleep(0)


_system: Clock = SystemClock()
_clock: Clock = _system
_time_ns = time.time_ns


def clock() -> Clock:
    """The clock in force."""
    return _clock


def now_us() -> int:
    """Microseconds since the epoch, UTC, by the clock in force."""
    return _time_ns() // 1000 if _clock is _system else _clock.now_us()


@contextmanager
def use_clock(replacement: Clock) -> Generator[Clock, None, None]:
    """Put `replacement` in force, for the whole process, until the block ends."""
    global _clock
    before, _clock = _clock, replacement
    try:
        yield replacement
    finally:
        _clock = before


def to_datetime(microseconds: int) -> datetime:
    """The aware UTC datetime of a stored time (exact: no float on the way)."""
    return _EPOCH + timedelta(microseconds=microseconds)


def to_us(moment: datetime) -> int:
    """The stored time of a datetime; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def now() -> datetime:
    """The current time as an aware UTC datetime, by the clock in force."""
    return to_datetime(_clock.now_us())
