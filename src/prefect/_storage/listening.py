"""Wake-ups between processes, for stores that send none: the last one is a row of `meta`, looked at again and again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from prefect._base.ids import new_id
from prefect._storage import meta

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._storage.protocol import Store, Transaction

POLL_SECONDS: Final = 0.05  # a look takes 20 µs
CLOSELY_SECONDS: Final = 0.004  # a look takes 5 µs


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

    Args:
        changes: what differs from the last time when something was written.
    """

    def __init__(self, changes: Callable[[], object]) -> None:
        self._changes = changes
        self._closed = False
        self._wake = threading.Event()
        self._seen = changes()

    def wait(self, timeout: float) -> str | None:
        """See `Listener`."""
        deadline = time.monotonic() + timeout
        while (now := self._changes()) == self._seen:
            left = deadline - time.monotonic()
            if left <= 0 or self._closed:
                return None
            if self._wake.wait(min(left, CLOSELY_SECONDS)):
                self._wake.clear()
        self._seen = now
        return ""

    def look(self) -> None:
        """Do not wait for the next look: something is being written."""
        self._wake.set()

    def close(self) -> None:
        """See `Listener`."""
        self._closed = True
        self._wake.set()


def _key(channel: str) -> str:
    return f"notify.{channel}"
