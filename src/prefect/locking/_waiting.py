"""How one waits for a lock: what the lock managers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._base.clock import clock, now_us
from prefect._base.drive import Call, drive, drive_async
from prefect.locking.protocol import LockManager

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_FIRST_DELAY = 0.001
_LONGEST_DELAY = 0.1


class Lock(NamedTuple):
    """A lock that is held."""

    holder: str
    expires: int | None  # microseconds UTC

    @classmethod
    def of(cls, holder: str, hold_timeout: float | None) -> Lock:
        """A lock that is taken now."""
        return cls(holder, None if hold_timeout is None else now_us() + round(hold_timeout * 1_000_000))

    @property
    def is_expired(self) -> bool:
        """Whether it was held for longer than its holder said."""
        return self.expires is not None and self.expires <= now_us()


class WaitingLockManager(LockManager, ABC):
    """Waits by looking again and again, at growing intervals: another process cannot tell when its lock goes.

    A subclass says how a lock is tried, read and given back.
    """

    @abstractmethod
    def _try(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        """Take the lock if it is free, expired, or the holder's already; at once and by nobody else."""

    @abstractmethod
    def _held(self, key: str) -> Lock | None:
        """The lock of the key, unless it is free or expired."""

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock of a key and take it; whether that succeeded in time (see `LockManager`)."""
        return drive(_until(lambda: self._try(key, holder, hold_timeout), acquire_timeout))

    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """The same, awaited."""
        return await drive_async(_until(lambda: self._try(key, holder, hold_timeout), acquire_timeout))

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock, without taking it; False where that takes too long (seconds)."""
        return drive(_until(lambda: self._held(key) is None, timeout))

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The same, awaited."""
        return await drive_async(_until(lambda: self._held(key) is None, timeout))

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock."""
        return self._held(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether this holder holds the lock."""
        lock = self._held(key)
        return lock is not None and lock.holder == holder


def _until(condition: Callable[[], bool], timeout: float | None) -> Generator[Call, Any, bool]:
    """Wait for the condition, looking at once and last when the time is over."""
    deadline = None if timeout is None else now_us() + round(timeout * 1_000_000)
    delay = _FIRST_DELAY
    while not condition():
        left = None if deadline is None else (deadline - now_us()) / 1_000_000
        if left is not None and left <= 0:
            return False
        wait = clock()
        yield Call(wait.sleep, (delay if left is None else min(delay, left),), afn=wait.sleep_async)
        delay = min(delay * 2, _LONGEST_DELAY)
    return True
