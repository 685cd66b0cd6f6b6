"""What a lock manager must be able to do."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class LockManager(Protocol):
    """Locks by key, each held by a holder. Times are seconds; None waits, or holds, for ever."""

    def acquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """Take the lock, waiting for it; False if that took longer than `acquire_timeout`.

        The lock is free again after `hold_timeout`, or when it is released. A holder may take its lock again.
        """
        ...

    async def aacquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """The async form of `acquire_lock`."""
        ...

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back. Raises ValueError if `holder` does not hold it."""
        ...

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock."""
        ...

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether `holder` holds the lock."""
        ...

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock; False if that took longer than `timeout`."""
        ...

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The async form of `wait_for_lock`."""
        ...
