"""The open websockets and event streams, so that a server that stops can say goodbye to each."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

GOING_AWAY = 1001  # RFC 6455, section 7.4.1


class OpenSockets:
    """Middleware that knows which websockets are open.

    A request that goes on until the client has enough ends when `scope["prefect.going_away"]`, an event, is set.

    Args:
        app: what answers; each websocket that it accepts is open until it returns.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: set[_Socket] = set()
        self._going_away: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or serve a websocket until it is closed."""
        if scope["type"] != "websocket":
            self._going_away = self._going_away or asyncio.Event()
            scope["prefect.going_away"] = self._going_away
            await self.app(scope, receive, send)
            return
        socket = _Socket(send)
        self._open.add(socket)
        try:
            await self.app(scope, receive, socket.send)
        finally:
            self._open.discard(socket)

    async def close_all(self) -> None:
        """Tell every client that the server is going away."""
        if self._going_away is not None:
            self._going_away.set()
        await asyncio.gather(*(socket.go_away() for socket in tuple(self._open)))


class _Socket:
    """One websocket, as far as something has been sent on it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._accepted = False
        self._closed = False

    async def send(self, message: Message) -> None:
        if self._closed:
            raise OSError("the server is going away")  # what a client that has gone looks like, too
        self._accepted = self._accepted or message["type"] == "websocket.accept"
        self._closed = message["type"] == "websocket.close"
        try:
            await self._send(message)
        except RuntimeError as exc:
            if not self._accepted:
                raise
            raise OSError("the client broke the protocol, and the connection is closed") from exc

    async def go_away(self) -> None:
        if self._accepted and not self._closed:
            self._closed = True
            with suppress(Exception):  # a client that has gone meanwhile need not be told
                await self._send({"type": "websocket.close", "code": GOING_AWAY, "reason": "going away"})
