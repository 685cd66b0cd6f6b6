"""Background runs for a task worker, as they come: from the store of this process, or from a server."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import UUID

from prefect._backend import task_queue
from prefect._backend.local import LocalBackend
from prefect._backend.public_socket import open_socket
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.sync.client import ClientConnection

    from prefect._backend.http import HttpBackend
    from prefect._backend.public import PublicBackend
    from prefect.model.records import TaskRunRecord

    Wanted = Callable[[], bool]

REAP_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.25  # where a store tells nothing by itself
AGAIN_SECONDS: Final = 1.0
PATH: Final = "/task_runs/subscriptions/scheduled"
_log = logging.getLogger("prefect.task_worker")


class TaskFeed(Protocol):
    """Where runs come from."""

    def next(self, timeout: float, *, more: bool, wanted: Wanted) -> TaskRunRecord | None:
        """A run that is this process's from now on; None where none came within `timeout` seconds.

        Args:
            timeout: in seconds.
            more: whether another one may come soon; else none is held back for this worker meanwhile.
            wanted: whether one still is: asked before it is taken.
        """
        ...

    def close(self) -> None:
        """No more are wanted."""
        ...


class StoreFeed:
    """Looks whenever something was written. Workers that have died are noticed, too."""

    def __init__(self, backend: LocalBackend, task_keys: Sequence[str]) -> None:
        self._backend = backend
        self._keys = task_keys
        self._news = backend.store.listen_closely("task_runs")
        self._reap_at = 0.0

    def next(self, timeout: float, *, more: bool, wanted: Wanted) -> TaskRunRecord | None:  # noqa: ARG002 - nothing is held back
        """See `TaskFeed`."""
        deadline = time.monotonic() + timeout
        while True:
            now = time.monotonic()
            if now >= self._reap_at:
                self._reap_at = now + REAP_SECONDS
                self._backend.reap()
            run = self._taken() if wanted() else None
            if run is not None or now >= deadline or not wanted():
                return run
            self._news.wait(min(deadline - now, LOOK_SECONDS))

    def _taken(self) -> TaskRunRecord | None:
        store = self._backend.store
        if not task_queue.is_any_waiting(store, self._keys):
            return None
        found = task_queue.take(store, self._keys)
        return self._backend.take_task_run(found.id) if found is not None else None

    def close(self) -> None:
        """See `TaskFeed`."""
        self._news.close()


class SocketFeed:
    """Takes what the server sends, one at a time. A connection that breaks is opened again."""

    def __init__(self, backend: HttpBackend | PublicBackend, task_keys: Sequence[str], name: str) -> None:
        self._backend = backend
        self._hello: dict[str, Any] = {"type": "subscribe", "keys": list(task_keys), "client_id": name}
        self._held = contextlib.ExitStack()
        self._socket: ClientConnection | None = None

    def next(self, timeout: float, *, more: bool, wanted: Wanted) -> TaskRunRecord | None:
        """See `TaskFeed`."""
        from websockets.exceptions import WebSocketException  # only who asks a server

        try:
            socket = self._opened()
            run_id = UUID(json.loads(socket.recv(timeout=timeout))["id"])
            if not wanted():
                self.close()  # the server gives it to another one
                return None
            # adopted before it is acknowledged: should this process die in between, it is noticed
            run = self._backend.take_task_run(run_id.bytes)
            socket.send(json.dumps({"type": "ack"}))
        except TimeoutError:
            return None
        except (OSError, ValueError, WebSocketException, StoreError) as exc:
            _log.warning("The server sends no background runs (%s); asking again.", exc or type(exc).__name__)
            self.close()
            time.sleep(AGAIN_SECONDS)
            return None
        if not more:
            self.close()
        return run

    def _opened(self) -> ClientConnection:
        if self._socket is None:
            self._socket = self._held.enter_context(open_socket(self._backend.line.access, PATH))
            self._socket.send(json.dumps(self._hello))
        return self._socket

    def close(self) -> None:
        """See `TaskFeed`."""
        self._socket = None
        with contextlib.suppress(Exception):  # it is broken already
            self._held.close()


def feed_of(backend: Any, task_keys: Sequence[str], name: str) -> TaskFeed:
    """What feeds a worker that asks this backend."""
    if isinstance(backend, LocalBackend):
        return StoreFeed(backend, task_keys)
    return SocketFeed(backend, task_keys, name)
