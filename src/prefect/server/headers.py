"""Headers: those that every answer carries, and the one that says which API a client speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.server.errors import detail
from prefect.server.mount import send_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OLDEST_VERSION = (0, 8, 0)
_VERSION = b"x-prefect-api-version"
_ANY_VERSION = ("/health", "/ready", "/version")

_CONTENT = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SECURITY = [
    (b"content-security-policy", _CONTENT.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]


class SecurityHeaders:
    """Tells browsers to run nothing that is not ours, to guess no types, and to frame and refer nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ApiVersion:
    """Refuses clients of an API that is too old; newer ones, and those that say nothing, are taken.

    Args:
        app: what answers the others.
        prefix: the API's path; nothing else is asked for a version.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix
        self.free = tuple(prefix + path for path in _ANY_VERSION)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        said = _said(scope) if scope["type"] == "http" else None
        asked = said is not None and scope["path"].startswith(self.prefix) and scope["path"] not in self.free
        wrong = wrong_version(said) if asked and said is not None else None
        if wrong is None:
            await self.app(scope, receive, send)
        else:
            await send_answer(detail(400, wrong), send)


def _said(scope: Scope) -> str | None:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == _VERSION), None)


def wrong_version(said: str) -> str | None:
    """What is wrong with the version that a client says it speaks; None where nothing is."""
    parts = said.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return f"Invalid X-PREFECT-API-VERSION header format: expected a version such as 0.8.4, got {said!r}."
    if tuple(map(int, parts)) < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        return f"Expected API version {oldest} or higher, got {said}: upgrade the client."
    return None
