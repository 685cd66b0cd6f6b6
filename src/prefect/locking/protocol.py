"""What keeps two computations of one key apart."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class LockManager(Protocol):
    """What a lock manager can do. A lock has a key and a holder; who holds it may acquire it again."""

    def acquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """Wait for the lock of a key and take it.

        Args:
            key: what is locked.
            holder: who takes it.
            acquire_timeout: how many seconds to wait; None waits as long as it takes.
            hold_timeout: after how many seconds anybody else may take it away; None is never.

        Returns:
            Whether it was taken in time.
        """
        ...

    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,
        hold_timeout: float | None = None,
    ) -> bool:
        """The same, awaited."""
        ...

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not hold it.
        """
        ...

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock."""
        ...

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether this holder holds the lock."""
        ...

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock, without taking it; False after `timeout` seconds."""
        ...

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The same, awaited."""
        ...
