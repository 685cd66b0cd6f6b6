"""Locks within one process."""

from __future__ import annotations

import threading
import time
from typing import Any

from typing_extensions import Self


class MemoryLockManager:
    """Locks that the threads and coroutines of this process share. There is one of it (behaviour 60)."""

    _instance: MemoryLockManager | None = None
    _held: dict[str, tuple[str, float | None]]
    _changed: threading.Condition

    def __new__(cls) -> Self:
        """The one instance."""
        if cls._instance is None:
            made = super().__new__(cls)
            made._held = {}
            made._changed = threading.Condition()
            cls._instance = made
        return cls._instance  # type: ignore[return-value]

    def acquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """Take the lock; see `LockManager`."""
        deadline = None if acquire_timeout is None else time.monotonic() + acquire_timeout
        with self._changed:
            while not self._is_free_for(key, holder):
                if not self._wait(key, deadline):
                    return False
            self._held[key] = (holder, None if hold_timeout is None else time.monotonic() + hold_timeout)
        return True

    async def aacquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """The async form of `acquire_lock`."""
        import asyncio  # whoever awaits this has it loaded

        return await asyncio.to_thread(self.acquire_lock, key, holder, acquire_timeout, hold_timeout)

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back. Raises ValueError if `holder` does not hold it."""
        with self._changed:
            if not self.is_lock_holder(key, holder):
                raise ValueError(f"No lock held by {holder} for transaction with key {key}")
            del self._held[key]
            self._changed.notify_all()

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock."""
        with self._changed:
            return self._holder(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether `holder` holds the lock."""
        with self._changed:
            return self._holder(key) == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock; False if that took longer than `timeout`."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while self._holder(key) is not None:
                if not self._wait(key, deadline):
                    return False
        return True

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The async form of `wait_for_lock`."""
        import asyncio  # whoever awaits this has it loaded

        return await asyncio.to_thread(self.wait_for_lock, key, timeout)

    def _holder(self, key: str) -> str | None:
        """Who holds it; a lock that was held too long is free."""
        held = self._held.get(key)
        if held is not None and held[1] is not None and held[1] <= time.monotonic():
            del self._held[key]
            return None
        return held[0] if held is not None else None

    def _is_free_for(self, key: str, holder: str) -> bool:
        return self._holder(key) in {None, holder}

    def _wait(self, key: str, deadline: float | None) -> bool:
        """Wait for a change, until the deadline or the end of the present hold; False after the deadline."""
        held: Any = self._held.get(key)
        ends = [moment for moment in (deadline, held[1] if held else None) if moment is not None]
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return False
        self._changed.wait(max(0.0, min(ends) - now) if ends else None)
        return True
