"""Server-sent events: pages are told that something has changed, and look for themselves what it is."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool

from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from prefect._backend.local import LocalBackend

LOOK_SECONDS: Final = 0.1
QUIET_SECONDS: Final = 15.0  # after that a comment is sent, so that a connection that is gone is noticed
_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class News:
    """The pages that listen to a server.

    Args:
        backend: gives the backend on the store that is served.
    """

    def __init__(self, backend: Callable[[], LocalBackend]) -> None:
        self._backend = backend
        self._listening: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None

    async def tell(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell one page until it goes, or the server does."""
        event = asyncio.Event()
        self._listening.add(event)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        telling = asyncio.create_task(_tell(event, send))
        ends = [asyncio.create_task(_gone(receive)), telling]
        if (going := scope.get("prefect.going_away")) is not None:
            ends.append(asyncio.create_task(going.wait()))
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._listening.discard(event)
            for one in ends:
                one.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        with contextlib.suppress(OSError):  # the page has gone
            await send({"type": "http.response.body", "body": b""})

    async def _look(self) -> None:
        seen = -1
        while self._listening:
            with contextlib.suppress(StoreError):  # it is looked at again
                change = await run_in_threadpool(self._backend().store.changed)
                if change != seen:
                    seen = change
                    for one in self._listening:
                        one.set()
            await asyncio.sleep(LOOK_SECONDS)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _tell(event: asyncio.Event, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b": welcome\n\n", "more_body": True})
    while True:
        try:
            await asyncio.wait_for(event.wait(), QUIET_SECONDS)
        except asyncio.TimeoutError:
            said = b": quiet\n\n"
        else:
            event.clear()
            said = b"data: changed\n\n"
        await send({"type": "http.response.body", "body": said, "more_body": True})
