"""When to look for runs: as soon as something was written, or else now and then."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect._storage.protocol import Store

POLL_SECONDS: Final = 0.02  # a look at the counter takes 10 µs
PAUSE_SECONDS: Final = 0.05  # between two looks for runs while others write all the time


class Feed(Protocol):
    """What wakes a runner."""

    def wait(self, seconds: float) -> None:
        """Return when there may be news, or after so long."""
        ...

    def wake(self) -> None:
        """Let `wait` return; from any thread."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class PollingFeed:
    """No news but the runner's own: of a server that tells nothing."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def wait(self, seconds: float) -> None:
        """See `Feed`."""
        if self._woken.wait(seconds):
            self._woken.clear()

    def wake(self) -> None:
        """See `Feed`."""
        self._woken.set()

    def close(self) -> None:
        """See `Feed`."""


class StoreFeed(PollingFeed):
    """News of the store of this process: its change counter is watched."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._seen = store.changed_elsewhere()
        self._told = 0.0

    def wait(self, seconds: float) -> None:
        """See `Feed`."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            if self._woken.wait(max(0.0, min(POLL_SECONDS, left))):
                self._woken.clear()
                return
            if left <= 0:
                return
            if time.monotonic() - self._told >= PAUSE_SECONDS and self._has_changed():
                self._told = time.monotonic()
                return

    def _has_changed(self) -> bool:
        change = self._store.changed_elsewhere()
        changed, self._seen = change != self._seen, change
        return changed


def feed_of(settings: Any, served: Callable[[], list[UUID]]) -> Feed:
    """What wakes a runner, by the settings: news of the store, or of the server.

    Args:
        settings: the settings in force.
        served: the deployments whose runs are wanted.
    """
    _ = served
    if not settings.api.url:
        from prefect._backend.resolve import local_backend  # not where a server has the store

        return StoreFeed(local_backend().store)
    return PollingFeed()
