"""Telling runners, over a websocket, that there is something for them: they look for themselves what it is.

A runner sends `{"deployments": [ids]}`, a worker `{"work_queues": [ids]}`, again whenever it has others; it is sent
`{"type": "news"}` at once, and then
whenever a run of one of them is to start or any run is to stop. One thread watches the store while anybody listens.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect._backend.news_room import CHANNEL, LOOK_SECONDS
from prefect._backend.run_watch import COLUMNS, PAUSE_SECONDS, RunWatch
from prefect.exceptions import StoreError
from prefect.server.handshake import ProtocolViolation, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.websockets import WebSocket

    from prefect._backend.local import LocalBackend
    from prefect._storage.protocol import Store

MOST_IDS = 1000
_log = logging.getLogger("prefect.server")


class _Listener:
    """A runner: its event is set when there is news."""

    def __init__(self, watch: RunWatch) -> None:
        self.watch = watch
        self.event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def look(self) -> None:
        """Called by the thread that watches."""
        if self.watch.has_news():
            self._loop.call_soon_threadsafe(self.event.set)


class RunNews:
    """The runners that listen to a server.

    Args:
        backend: gives the backend on the store that is served.
    """

    def __init__(self, backend: Callable[[], LocalBackend]) -> None:
        self._backend = backend
        self._listeners: set[_Listener] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    async def follow(self, websocket: WebSocket) -> None:
        """Tell a runner until it goes. Raises WebSocketDisconnect, ProtocolViolation: there is no other end."""
        listener = _Listener(await _watch(websocket, self._backend().store))
        listener.event.set()
        self._add(listener)
        telling = asyncio.create_task(_tell(websocket, listener))
        try:
            while True:
                listener.watch = await _watch(websocket, self._backend().store)
        finally:
            self._remove(listener)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    def _add(self, listener: _Listener) -> None:
        with self._lock:
            self._listeners.add(listener)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="prefect-run-news", daemon=True)
                self._thread.start()

    def _remove(self, listener: _Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def _watch(self) -> None:
        store = self._backend().store
        news = store.listen_closely(CHANNEL)
        try:
            while listeners := self._present():
                try:
                    for listener in listeners:
                        listener.look()
                    time.sleep(PAUSE_SECONDS)
                    news.wait(LOOK_SECONDS)
                except StoreError as exc:  # noqa: PERF203 - it may be there again at the next look
                    _log.warning("The store cannot be watched for runners: %s", exc)
                    time.sleep(LOOK_SECONDS)
        finally:
            news.close()

    def _present(self) -> list[_Listener]:
        """Who listens; where nobody does, the thread is to end."""
        with self._lock:
            if not self._listeners:
                self._thread = None
            return list(self._listeners)


async def _tell(websocket: WebSocket, listener: _Listener) -> None:
    while True:
        await listener.event.wait()
        listener.event.clear()
        await websocket.send_text('{"type":"news"}')


async def _watch(websocket: WebSocket, store: Store) -> RunWatch:
    message = await received(websocket)
    kind = next((one for one in COLUMNS if one in message), "deployments")
    given = message.get(kind)
    ids = cast("list[Any]", given) if isinstance(given, list) else []
    if not 0 < len(ids) <= MOST_IDS:
        raise ProtocolViolation("Expected 'deployments' or 'work_queues', a list of ids")
    try:
        return RunWatch(store, [UUID(one).bytes for one in ids], kind)
    except (ValueError, AttributeError, TypeError):
        raise ProtocolViolation("Expected ids of deployments or work queues") from None
