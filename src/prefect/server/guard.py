"""What stands before every route: who asks, whether a page's change is its own idea, and the audit log.

An ASGI middleware. Everything but the paths that are named open asks for a name as soon as the server is not open
itself, so that a route that is added later is closed. Roles are checked at the routes (`demand_role`).
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from prefect._api.api import Api
from prefect._api.csrf import is_valid, protects
from prefect._api.errors import Refused
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage.audit import AuditRecord
from prefect.exceptions import StoreError
from prefect.server._memory import MustWait
from prefect.server.auth import actor_of_header, forget, is_open
from prefect.server.login_limit import TooManyFailures
from prefect.server.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from fastapi import Request

    from prefect._api.actor import Actor
    from prefect._api.endpoint import Endpoint
    from prefect._backend.local import LocalBackend
    from prefect.server.pool import Answers

    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_PATHS: Final = frozenset(("/api/health", "/api/ready"))
_READING = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_LONGEST_PATH = 500
_log = logging.getLogger("prefect.server.auth")


def demand_role(request: Request, asked: Endpoint[..., Any]) -> None:
    """Raises Refused (403) where whoever asks may not ask for this."""
    demand(getattr(request.state, "actor", None), asked.role)


def demand(actor: Actor | None, role: str) -> None:
    """Raises Refused (403) where somebody has not that role, or one above."""
    if actor is not None and not actor.may(role):
        raise Refused(
            f"Expected the role {role!r} or above, {actor.name!r} is {actor.role!r}. "
            f"An admin can change that: prefect server user set-role {actor.name} {role}",
            status=403,
        )


class Guard:
    """See the module. Put it inside of what answers CORS preflights, which carry no name.

    Args:
        app: what is guarded.
        backend: gives the backend on the store that is served.
        open_paths: what may be read (GET) by anybody.
        pages: of the UI; they know who looks by a cookie, and see to it themselves.
    """

    def __init__(
        self,
        app: App,
        backend: Callable[[], LocalBackend],
        open_paths: frozenset[str] = OPEN_PATHS,
        pages: Answers | None = None,
    ) -> None:
        self._app = app
        self._pages = pages
        self._backend = backend
        self._open_paths = open_paths
        self._trail = Trail(backend)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "http" and not self._is_open_path(scope):
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, self._until_shutdown(receive), send)
        else:  # a websocket authenticates with its first message
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        recorded = False

        async def answer(message: Message) -> None:
            nonlocal recorded
            if message["type"] == "http.response.start" and not recorded:
                recorded = True  # before the answer is sent: what it changed counts for the next request
                self._record(scope, message["status"])
            await send(message)

        try:
            await (await self._refusal(scope) or self._app)(scope, receive, answer)
        except BaseException:
            if not recorded:
                self._record(scope, 500)
            raise

    async def _refusal(self, scope: Scope) -> JSONResponse | None:
        """Why the request goes no further; None where it does, with `scope["state"]["actor"]` set."""
        if self._pages is not None and self._pages.knows(scope):
            scope.setdefault("state", {})["actor"] = None
            return None
        try:
            try:
                return self._examine(scope, wait=False)
            except MustWait:
                return await run_in_threadpool(self._examine, scope, wait=True)
        except TooManyFailures as exc:
            return JSONResponse({"exception_message": str(exc)}, 429, {"Retry-After": str(exc.seconds)})
        except StoreError as exc:
            return JSONResponse({"exception_message": str(exc)}, 503, {"Retry-After": "1"})

    def _examine(self, scope: Scope, *, wait: bool) -> JSONResponse | None:
        backend, headers = self._backend(), _headers(scope)
        actor = None
        if not is_open(backend, wait=wait):
            asked = headers.get("authorization")
            actor = actor_of_header(backend, asked, address=_address(scope) or "", wait=wait)
            if actor is None:
                return JSONResponse({"exception_message": "Unauthorized"}, 401)
        scope.setdefault("state", {})["actor"] = actor
        if scope["method"] in _READING:
            return None
        if self._trail.is_full():
            return JSONResponse(
                {"exception_message": "The audit log cannot be written."}, 503, {"Retry-After": "5"}
            )
        return _check_csrf(backend, headers, wait=wait) if protects() else None

    def _record(self, scope: Scope, status: int) -> None:
        """Put a change into the audit log; requests of nobody, and those that no route took, are none."""
        asked: Endpoint[..., Any] | None = scope.get("prefect.endpoint")
        if asked is None or not asked.audited:
            return
        if asked.role == "admin":  # users and tokens may be others now
            forget(self._backend())
        actor: Actor | None = scope["state"]["actor"]
        self._trail.add(
            AuditRecord(
                id=new_id(),
                timestamp=now_us(),
                actor=actor.name if actor else None,
                endpoint=asked.name,
                method=scope["method"],
                path=scope["path"][:_LONGEST_PATH],
                status=status,
                address=_address(scope),
            )
        )

    def _is_open_path(self, scope: Scope) -> bool:
        return scope["path"] in self._open_paths and scope["method"] in {"GET", "HEAD"}

    def _until_shutdown(self, receive: Receive) -> Receive:
        """The same messages; before the last of them, the audit log is written."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await run_in_threadpool(partial(_close, self._trail))
            return message

        return received


def _check_csrf(backend: LocalBackend, headers: dict[str, str], *, wait: bool) -> JSONResponse | None:
    token, client = headers.get("prefect-csrf-token"), headers.get("prefect-csrf-client")
    if not token:
        return JSONResponse({"detail": "Missing CSRF token."}, 403)
    if not client:
        return JSONResponse({"detail": "Missing client identifier."}, 403)
    if not wait:
        raise MustWait
    if not is_valid(Api(backend), client, token):
        return JSONResponse({"detail": "Invalid CSRF token or client identifier."}, 403)
    return None


def _close(trail: Trail) -> None:
    try:
        trail.close()
    except StoreError as exc:
        _log.error("The last entries of the audit log were not written: %s", exc)


def _headers(scope: Scope) -> dict[str, str]:
    """Header values by name; of one that came twice, the first."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _address(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None
