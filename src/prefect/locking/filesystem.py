"""Locks between processes: one file a lock, in a folder they share."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prefect._base import clock


class FileSystemLockManager:
    """Locks as files in `lock_files_directory`. A file is made whole or not at all, so that one of two wins.

    Args:
        lock_files_directory: the folder; made when the first lock is taken.
    """

    POLL_SECONDS = 0.05

    def __init__(self, lock_files_directory: Path) -> None:
        self.lock_files_directory = Path(lock_files_directory).expanduser().resolve()

    def acquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """Take the lock; see `LockManager`."""
        deadline = _after(acquire_timeout)
        while not self._take(key, holder, hold_timeout):
            if deadline is not None and clock.now_us() >= deadline:
                return False
            clock.clock().sleep(self.POLL_SECONDS)
        return True

    async def aacquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """The async form of `acquire_lock`."""
        deadline = _after(acquire_timeout)
        while not self._take(key, holder, hold_timeout):
            if deadline is not None and clock.now_us() >= deadline:
                return False
            await clock.clock().sleep_async(self.POLL_SECONDS)
        return True

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back. Raises ValueError if `holder` does not hold it."""
        if not self.is_lock_holder(key, holder):
            raise ValueError(f"No lock held by {holder} for transaction with key {key}")
        self._path(key).unlink(missing_ok=True)

    def is_locked(self, key: str, use_cache: bool = False) -> bool:
        """Whether anybody holds the lock. `use_cache` is accepted; the file is always asked."""
        _ = use_cache
        return self._read(key) is not None

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Whether `holder` holds the lock."""
        held = self._read(key)
        return held is not None and held["holder"] == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock; False if that took longer than `timeout`."""
        deadline = _after(timeout)
        while self.is_locked(key):
            if deadline is not None and clock.now_us() >= deadline:
                return False
            clock.clock().sleep(self.POLL_SECONDS)
        return True

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The async form of `wait_for_lock`."""
        deadline = _after(timeout)
        while self.is_locked(key):
            if deadline is not None and clock.now_us() >= deadline:
                return False
            await clock.clock().sleep_async(self.POLL_SECONDS)
        return True

    def _path(self, key: str) -> Path:
        return self.lock_files_directory / f"{quote(key, safe='')}.lock"

    def _take(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        """One try: the file is written aside and linked into its place, which fails where there is one."""
        held = self._read(key)
        if held is not None:
            return held["holder"] == holder
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f"{path.name}.{os.getpid()}.{clock.now_us()}")
        aside.write_text(json.dumps({"holder": holder, "expiration": _after(hold_timeout)}), encoding="utf-8")
        try:
            os.link(aside, path)
        except FileExistsError:
            return False
        finally:
            aside.unlink(missing_ok=True)
        return True

    def _read(self, key: str) -> dict[str, Any] | None:
        """What the lock's file says; one that was held too long is removed."""
        path = self._path(key)
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        if held["expiration"] is not None and held["expiration"] <= clock.now_us():
            path.unlink(missing_ok=True)
            return None
        return held


def _after(seconds: float | None) -> int | None:
    return None if seconds is None else clock.now_us() + round(seconds * 1_000_000)
