"""Who looks at requests as they are answered: the metrics, and the access log."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    Watcher = Callable[["Seen"], None]


class Seen(NamedTuple):
    """A request that has been answered.

    `route` is the template of its path (`/flows/{id}`), or None where nothing stands; `actor` who asked, where
    the server asks for names. The query is not in it: it may hold what is nobody's business.
    """

    method: str
    path: str
    route: str | None
    status: int
    seconds: float
    size: int
    address: str | None
    actor: str | None


class Watch:
    """Middleware that tells watchers of every request once it is answered.

    Args:
        app: what answers.
        watchers: told in turn, in the event loop: they must be quick.
    """

    def __init__(self, app: ASGIApp, watchers: Sequence[Watcher]) -> None:
        self.app = app
        self.watchers = watchers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        status, size = 500, 0

        async def noted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            seen = _seen(scope, status, perf_counter() - began, size)
            for watcher in self.watchers:
                watcher(seen)


def _seen(scope: Scope, status: int, seconds: float, size: int) -> Seen:
    endpoint = scope.get("prefect.endpoint")
    actor = scope.get("state", {}).get("actor")
    client = scope.get("client")
    return Seen(
        method=scope["method"],
        path=scope["path"],
        route=getattr(endpoint, "path", None),
        status=status,
        seconds=seconds,
        size=size,
        address=client[0] if client else None,
        actor=getattr(actor, "name", None),
    )
