"""The websockets of the API."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from prefect._api.events import record_events
from prefect.server.event_batches import Batches
from prefect.server.handshake import PROTOCOL_ERROR, Admit, ProtocolViolation, opened, received

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fastapi import FastAPI

    from prefect._backend.local import LocalBackend


def add_sockets(app: FastAPI, backend: Callable[[], LocalBackend], admit: Admit = lambda _: True) -> None:
    """Let the application answer websockets.

    Args:
        app: of the server.
        backend: gives the backend on the store that is served.
        admit: whether somebody with a token (None: without) may talk.
    """
    batches = Batches(lambda events: record_events(backend(), events))
    app.add_api_websocket_route("/api/events/in", _guarded(admit, lambda ws: _events_in(ws, batches)))


def _guarded(
    admit: Admit, talk: Callable[[WebSocket], Awaitable[None]]
) -> Callable[[WebSocket], Awaitable[None]]:
    """Shake hands, talk, and end well whatever the client does."""

    async def serve(websocket: WebSocket) -> None:
        try:
            if await opened(websocket, admit):
                await talk(websocket)
        except WebSocketDisconnect:
            pass
        except ProtocolViolation as exc:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # it may have gone meanwhile
                await websocket.close(PROTOCOL_ERROR, str(exc))

    return serve


async def _events_in(websocket: WebSocket, batches: Batches) -> None:
    """A client sends an event a message."""
    try:
        while True:
            await batches.put(await received(websocket))
    finally:
        await batches.settled()
