"""Being told by the kernel when a file is written to (inotify); Linux only."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

_MODIFIED: Final = 0x2
_FLAGS: Final = os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) if hasattr(os, "O_CLOEXEC") else 0


class FileChanges:
    """Waits for writes to some files, or for `wake`. Closed by `close`."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._waker, False)
        self._poll = select.poll()
        for one in (self._fd, self._woken):
            self._poll.register(one, select.POLLIN)

    @classmethod
    def of(cls, paths: Iterable[str]) -> Self | None:
        """Of these files; None where the kernel does not tell (another system, no such file, no watch left)."""
        if not sys.platform.startswith("linux"):
            return None
        libc = ctypes.CDLL(None)
        fd: int = libc.inotify_init1(_FLAGS)
        if fd < 0:
            return None
        if any(libc.inotify_add_watch(fd, os.fsencode(path), _MODIFIED) < 0 for path in paths):
            os.close(fd)
            return None
        return cls(fd)

    def wait(self, seconds: float) -> tuple[bool, bool]:
        """Wait so long at most; whether a file was written to, and whether `wake` was called."""
        ready = {fd for fd, _ in self._poll.poll(max(0.0, seconds) * 1000)}
        for fd in ready:
            with contextlib.suppress(BlockingIOError):
                while len(os.read(fd, 65_536)) == 65_536:
                    pass
        return self._fd in ready, self._woken in ready

    def wake(self) -> None:
        """Let `wait` return; from any thread, or a signal handler."""
        with contextlib.suppress(BlockingIOError):  # it is full of wake-ups already
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Watch no more."""
        for fd in (self._fd, self._woken, self._waker):
            os.close(fd)
