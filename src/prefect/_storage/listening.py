"""Wake-ups between processes, for stores that send none: the last one is a row of `meta`, looked at again and again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from prefect._base.file_changes import FileChanges
from prefect._base.ids import new_id
from prefect._storage import meta

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._storage.protocol import Store, Transaction

POLL_SECONDS: Final = 0.05  # a look takes 20 µs
CLOSELY_SECONDS: Final = 0.004  # a look takes 5 µs
COMMIT_SECONDS: Final = (
    0.0005,
    0.002,
    0.005,
    0.02,
    0.05,
    0.1,
    0.2,
)  # the counter moves a moment after the last page was written
LONGEST_REST: Final = 1.0  # seconds, should the kernel not have told of a write


def notify(cx: Transaction, channel: str, payload: str) -> None:
    """Wake whoever listens, once the transaction is committed."""
    meta.write(cx, _key(channel), f"{new_id().hex()} {payload}")


class PollingListener:
    """See `prefect._storage.protocol.Listener`."""

    def __init__(self, store: Store, channel: str) -> None:
        self._store = store
        self._channel = channel
        self._closed = threading.Event()
        self._seen = self._last()

    def wait(self, timeout: float) -> str | None:
        """See `Listener`."""
        deadline = time.monotonic() + timeout
        while True:
            last = self._last()
            if last != self._seen:
                self._seen = last
                return (last or "").partition(" ")[2]
            left = deadline - time.monotonic()
            if left <= 0 or self._closed.wait(min(left, POLL_SECONDS)):
                return None

    def close(self) -> None:
        """See `Listener`."""
        self._closed.set()

    def _last(self) -> str | None:
        return meta.read(self._store, _key(self._channel))


class ChangeListener:
    """A `Listener` who hears of everything that is written: the store's own counter says so.

    When to look at it the kernel says, where it tells of writes to the file; or it is looked at all the time.

    Args:
        changes: what differs from the last time when something was written.
        path: of the file that is written to; None where there is none.
    """

    def __init__(self, changes: Callable[[], object], path: str | None = None) -> None:
        self._changes = changes
        self._closed = False
        self._wake = threading.Event()
        self._files = FileChanges.of([path]) if path else None
        self._lock = threading.Lock()
        self._seen = changes()

    def wait(self, timeout: float) -> str | None:
        """See `Listener`."""
        deadline = time.monotonic() + timeout
        while (now := self._changes()) == self._seen:
            left = deadline - time.monotonic()
            if left <= 0 or self._closed:
                return None
            self._rest(left)
        self._seen = now
        return ""

    def _rest(self, left: float) -> None:
        """Until it is worth another look, so long at most."""
        if self._files is None:
            if self._wake.wait(min(left, CLOSELY_SECONDS)):
                self._wake.clear()
            return
        written, _ = self._files.wait(min(left, LONGEST_REST))
        if written:
            for seconds in COMMIT_SECONDS:
                if self._changes() != self._seen:
                    return
                time.sleep(min(seconds, left))

    def look(self) -> None:
        """Do not wait for the next look: something is being written."""
        self._wake.set()
        with self._lock:
            if self._files is not None:
                self._files.wake()

    def close(self) -> None:
        """See `Listener`. Called by who waits."""
        self._closed = True
        self._wake.set()
        with self._lock:
            files, self._files = self._files, None
        if files is not None:
            files.close()


def _key(channel: str) -> str:
    return f"notify.{channel}"
