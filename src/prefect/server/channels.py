"""The websockets of the API."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from prefect._api.events import record_events
from prefect.exceptions import StoreError
from prefect.server.event_batches import Batches
from prefect.server.feed import Feed
from prefect.server.handshake import PROTOCOL_ERROR, ProtocolViolation, opened, received
from prefect.server.run_news import RunNews
from prefect.server.streams import events_out, logs_out
from prefect.server.task_subscriptions import scheduled_task_runs

INTERNAL_ERROR = 1011
_log = logging.getLogger("prefect.server")

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from prefect._backend.local import LocalBackend


def socket_routes(backend: Callable[[], LocalBackend], prefix: str) -> list[WebSocketRoute]:
    """The routes of the websockets.

    Args:
        backend: gives the backend on the store that is served.
        prefix: the path that the API is below.
    """
    batches = Batches(lambda events: record_events(backend(), events))
    feed = Feed(backend)
    news = RunNews(backend)

    def route(path: str, role: str, talk: Callable[[WebSocket], Awaitable[None]]) -> WebSocketRoute:
        return WebSocketRoute(prefix + path, _served(backend, role, talk))

    return [
        route("/events/in", "operator", lambda socket: _events_in(socket, batches)),
        route("/events/out", "viewer", lambda socket: events_out(socket, backend, feed)),
        route("/logs/out", "viewer", lambda socket: logs_out(socket, feed)),
        route(
            "/task_runs/subscriptions/scheduled",
            "operator",
            lambda socket: scheduled_task_runs(socket, backend),
        ),
        route("/pluperfect/runs", "operator", news.follow),
    ]


def _served(
    backend: Callable[[], LocalBackend], role: str, talk: Callable[[WebSocket], Awaitable[None]]
) -> Callable[[WebSocket], Awaitable[None]]:
    """Shake hands, talk, and end well whatever the client does."""

    async def serve(websocket: WebSocket) -> None:
        try:
            if await opened(websocket, backend(), role):
                await talk(websocket)
        except WebSocketDisconnect:
            pass
        except ProtocolViolation as exc:
            await _close(websocket, PROTOCOL_ERROR, str(exc))
        except StoreError as exc:
            _log.error("A websocket was closed: %s", exc)
            await _close(websocket, INTERNAL_ERROR, "The store cannot be read.")

    return serve


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may have gone meanwhile
        await websocket.close(code, reason)


async def _events_in(websocket: WebSocket, batches: Batches) -> None:
    """A client sends an event a message."""
    try:
        while True:
            await batches.put(await received(websocket))
    finally:
        await batches.settled()
