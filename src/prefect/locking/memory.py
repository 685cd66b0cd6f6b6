"""Locks within one process."""

from __future__ import annotations

import os
import threading
from typing import ClassVar, cast

from typing_extensions import Self

from prefect.locking._waiting import Lock, WaitingLockManager

__all__ = ["MemoryLockManager"]


class MemoryLockManager(WaitingLockManager):
    """Locks of this process, its threads and coroutines. There is one: every call gives the same object."""

    _instance: ClassVar[MemoryLockManager | None] = None
    _locks: dict[str, Lock]
    _guard: threading.Lock

    def __new__(cls) -> Self:
        """The one there is."""
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            cls._instance._reset()
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=cls._instance._reset)  # the holders stay in the parent
        return cast("Self", cls._instance)

    def _reset(self) -> None:
        self._locks = {}
        self._guard = threading.Lock()

    def _try(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        with self._guard:
            lock = self._locks.get(key)
            if lock is not None and not lock.is_expired and lock.holder != holder:
                return False
            self._locks[key] = Lock.of(holder, hold_timeout)
            return True

    def _held(self, key: str) -> Lock | None:
        lock = self._locks.get(key)
        return None if lock is None or lock.is_expired else lock

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not hold it.
        """
        with self._guard:
            lock = self._held(key)
            if lock is None or lock.holder != holder:
                raise ValueError(f"No lock held by {holder} for transaction with key {key}")
            del self._locks[key]
