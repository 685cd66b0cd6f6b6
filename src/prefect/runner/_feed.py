"""When to look for runs: as soon as there is news of them, or else now and then."""

from __future__ import annotations

import contextlib
import contextvars
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from prefect._backend.news_room import CHANNEL
from prefect._backend.run_watch import PAUSE_SECONDS, POLL_SECONDS, RunWatch
from prefect._base.file_changes import FileChanges
from prefect._storage.listening import COMMIT_SECONDS, LONGEST_REST
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from websockets.sync.client import ClientConnection

    from prefect._backend.connecting import Access
    from prefect._storage.protocol import Store

    Served = Callable[[], list[UUID]]

FIRST_PAUSE: Final = 0.5  # seconds, before a server that does not answer is called again
LONGEST_PAUSE: Final = 10.0
_LISTEN_SECONDS: Final = 5.0
_log = logging.getLogger("prefect.runner")


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
    """No news but the runner's own."""

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
    """News of the store of this process: its change counter is watched, and when that moves, what waits.

    When to look at the counter the kernel says, where it tells of writes to the file; or it is looked at all the time.

    Args:
        store: where.
        served: the deployments, or what else, whose runs are wanted.
        kind: what else: `work_queues`.
    """

    def __init__(self, store: Store, served: Served, kind: str = "deployments") -> None:
        super().__init__()
        self._store = store
        self._served = served
        self._ids: list[UUID] = []
        self._kind = kind
        self._watch = RunWatch(store, [], kind)
        self._change: int | None = None
        self._looked = float("-inf")
        self._poll = POLL_SECONDS
        path: str | None = getattr(store, "path", None)  # of a file
        self._files = FileChanges.of([f"{path}-wal"]) if path else None

    def wait(self, seconds: float) -> None:
        """See `Feed`."""
        until = time.monotonic() + seconds
        while not self._has_news():
            left = until - time.monotonic()
            if left <= 0 or self._is_woken(left):
                return

    def wake(self) -> None:
        """See `Feed`."""
        super().wake()
        if self._files is not None:
            self._files.wake()

    def close(self) -> None:
        """See `Feed`."""
        files, self._files = self._files, None
        if files is not None:
            files.close()

    def _is_woken(self, left: float) -> bool:
        """Wait until it is worth another look, so long at most; whether `wake` was called."""
        pause = self._looked + PAUSE_SECONDS - time.monotonic()
        if self._files is not None and pause <= 0:
            written, _ = self._files.wait(min(left, LONGEST_REST))
            if written:
                self._await_commit()
            pause = 0.0
        elif self._files is None:
            pause = max(pause, self._poll)
        if self._woken.wait(min(left, pause)) if pause > 0 else self._woken.is_set():
            self._woken.clear()
            return True
        return False

    def _await_commit(self) -> None:
        """The counter moves a moment after the last page was written."""
        for seconds in COMMIT_SECONDS:
            if self._store.changed() != self._change:
                return
            time.sleep(seconds)

    def _has_news(self) -> bool:
        if time.monotonic() - self._looked < PAUSE_SECONDS:
            return False
        change = self._store.changed()
        if change == self._change:
            return False
        self._change = change
        self._looked = time.monotonic()
        ids = self._served()
        if ids != self._ids:
            self._ids, self._watch = ids, RunWatch(self._store, [one.bytes for one in ids], self._kind)
        return self._watch.has_news()


class ListeningFeed(PollingFeed):
    """News of a store that tells of runs by itself (Postgres): a thread listens.

    Args:
        store: where.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._closing = threading.Event()
        self._news = store.listen(CHANNEL)
        self._thread = threading.Thread(target=self._listen, name="prefect-runner-news", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """See `Feed`."""
        self._closing.set()
        self._thread.join(LONGEST_PAUSE)

    def _listen(self) -> None:
        with contextlib.closing(self._news):
            while not self._closing.is_set():
                try:
                    if self._news.wait(LONGEST_REST) is not None:
                        self.wake()
                except StoreError as exc:  # noqa: PERF203 - it may be there again
                    _log.debug("The store does not tell of runs: %s", exc)
                    self._closing.wait(LONGEST_REST)


class ServerFeed(PollingFeed):
    """News of a server of ours, by a websocket. Where there is none, it is called again and again.

    Args:
        access: the server, and how it lets us in.
        served: the deployments, or what else, whose runs are wanted.
        kind: what else: `work_queues`.
    """

    def __init__(self, access: Access, served: Served, kind: str = "deployments") -> None:
        super().__init__()
        self._kind = kind
        self._access = access
        self._served = served
        self._closing = threading.Event()
        self._socket: ClientConnection | None = None
        self._thread: threading.Thread | None = None
        self._heard = False

    def wait(self, seconds: float) -> None:
        """See `Feed`."""
        if self._thread is None and self._served():
            context = contextvars.copy_context()
            self._thread = threading.Thread(
                target=context.run, args=(self._listen,), name="prefect-runner-news", daemon=True
            )
            self._thread.start()
        super().wait(seconds)

    def close(self) -> None:
        """See `Feed`."""
        self._closing.set()
        if self._socket is not None:
            self._socket.close()
        if self._thread is not None:
            self._thread.join(LONGEST_PAUSE)

    def _listen(self) -> None:
        from websockets.exceptions import WebSocketException  # only where there is a server

        pause = FIRST_PAUSE
        while not self._closing.is_set():
            try:
                self._follow()
            except (OSError, ValueError, WebSocketException) as exc:
                _log.debug("No news from %s: %s", self._access.url, exc)
                if self._heard:
                    pause = FIRST_PAUSE
            self._closing.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _follow(self) -> None:
        from prefect._backend.public_socket import open_socket  # only where there is a server

        self._heard = False
        with open_socket(self._access, "/pluperfect/runs") as self._socket:
            told: list[UUID] = []
            while not self._closing.is_set():
                ids = self._served()
                if ids != told:
                    self._socket.send(json.dumps({self._kind: [str(one) for one in ids]}))
                    told = ids
                with contextlib.suppress(TimeoutError):
                    self._socket.recv(timeout=_LISTEN_SECONDS)
                    self._heard = True
                    self.wake()


def feed_of(settings: Any, served: Served, kind: str = "deployments") -> Feed:
    """What wakes a runner, by the settings: news of the store, or of the server.

    Args:
        settings: the settings in force.
        served: gives the deployments, or what else, whose runs are wanted.
        kind: what else: `work_queues`.
    """
    if not settings.api.url:
        from prefect._backend.resolve import local_backend  # not where a server has the store

        store = local_backend().store
        return ListeningFeed(store) if store.blocks else StoreFeed(store, served, kind)
    from prefect._backend.connecting import access_of  # only where there is a server
    from prefect._backend.http import HttpBackend  # likewise
    from prefect._backend.resolve import backend  # likewise

    if not isinstance(backend(), HttpBackend):
        return PollingFeed()  # of Prefect's: it tells nothing of runs
    return ServerFeed(access_of(settings, settings.api.url), served, kind)
