"""Locks between processes, as files of a folder that they share."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from prefect._base.atomic import write_atomically
from prefect._base.procinfo import boot_id, host_name, is_alive, start_ticks
from prefect.locking._waiting import Lock, WaitingLockManager

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["FileSystemLockManager"]


class FileSystemLockManager(WaitingLockManager):
    """Locks that hold between processes, on one machine or on several that share the folder.

    A lock is a file that says who holds it and until when; changes are made one at a time, under a `flock`
    of the folder that the system gives back when its process dies. A lock is free again when its time is
    over, and when the process that took it has died on this machine.

    Args:
        lock_files_directory: the folder; it is made when the first lock is taken.
    """

    def __init__(self, lock_files_directory: Path | str) -> None:
        self.lock_files_directory = Path(lock_files_directory).expanduser().resolve()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, FileSystemLockManager)
            and other.lock_files_directory == self.lock_files_directory
        )

    def __hash__(self) -> int:
        return hash(self.lock_files_directory)

    def _file(self, key: str) -> Path:
        plain = re.fullmatch(r"\w[\w.-]{0,99}", key, re.ASCII)
        name = key if plain else blake2b(key.encode(), digest_size=16).hexdigest()  # a key may be any text
        return self.lock_files_directory / f"{name}.lock"

    @contextmanager
    def _alone(self) -> Generator[None, None, None]:
        import fcntl  # of Unix; nothing else here is

        self.lock_files_directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.lock_files_directory / ".guard", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)  # and with it the lock

    def _try(self, key: str, holder: str, hold_timeout: float | None) -> bool:
        with self._alone():
            lock = self._held(key)
            if lock is not None and lock.holder != holder:
                return False
            taken = Lock.of(holder, hold_timeout)
            content = {"key": key, "holder": holder, "expires": taken.expires, "process": _this_process()}
            write_atomically(str(self._file(key)), json.dumps(content).encode())
            return True

    def _held(self, key: str) -> Lock | None:
        try:
            content = json.loads(self._file(key).read_bytes())
        except FileNotFoundError:
            return None
        lock = Lock(content["holder"], content["expires"])
        return None if lock.is_expired or _is_orphaned(content["process"]) else lock

    def is_locked(self, key: str, use_cache: bool = False) -> bool:  # noqa: ARG002 - nothing is cached
        """Whether anybody holds the lock."""
        return super().is_locked(key)

    def release_lock(self, key: str, holder: str) -> None:
        """Give the lock back.

        Raises:
            ValueError: the holder does not hold it.
        """
        with self._alone():
            lock = self._held(key)
            if lock is None or lock.holder != holder:
                raise ValueError(f"No lock held by {holder} for transaction with key {key}")
            with suppress(FileNotFoundError):
                self._file(key).unlink()


def _this_process() -> list[str | int]:
    pid = os.getpid()
    return [host_name(), boot_id(), pid, start_ticks(pid)]


def _is_orphaned(process: list[str | int]) -> bool:
    """Whether the process that took a lock has died on this machine; of others, nobody here can tell."""
    host, boot, pid, started = process
    return [host, boot] == [host_name(), boot_id()] and not is_alive(int(pid), int(started))
