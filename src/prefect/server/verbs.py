"""What our own client asks, beside the public API: batches, signs of life, and the verbs of the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from prefect._api.errors import Refused
from prefect._backend import remote, wire
from prefect._version import PLUPERFECT_VERSION
from prefect.server.body import read_body
from prefect.server.errors import Answer, answer_to, detail
from prefect.server.guard import demand
from prefect.server.mount import send_answer
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from prefect._api.actor import Actor
    from prefect._backend.local import LocalBackend
    from prefect.server.pool import Pool

    Act = Callable[[LocalBackend, bytes], dict[str, Any]]

ROLE = "operator"


class Verbs:
    """Answers below `/api/pluperfect`. What stands there is no part of the documented API.

    Args:
        backend: gives the backend on the store that is served.
        prefix: the path that the API is below.
        pool: whose threads do it.
    """

    def __init__(self, backend: Callable[[], LocalBackend], prefix: str, pool: Pool) -> None:
        self._backend = backend
        self._prefix = f"{prefix}/pluperfect"
        self._pool = pool

    def knows(self, scope: Scope) -> bool:
        """Whether one of them is asked."""
        path: str = scope["path"]
        return path.startswith(self._prefix) and path.removeprefix(self._prefix) in _VERBS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, act = _VERBS[scope["path"].removeprefix(self._prefix)]
        if scope["method"] != method:
            await send_answer(detail(405, "Method Not Allowed", {"Allow": method}), send)
            return
        try:
            body = await read_body(
                Request(scope, receive), get_current_settings().server.api.max_request_size
            )
        except Refused as exc:
            await send_answer(detail(exc.status, exc.detail, {"Connection": "close"}), send)
            return
        await send_answer(await self._pool.run(self._answer, scope, act, body), send)

    def _answer(self, scope: Scope, act: Act, body: bytes) -> Answer:
        """What comes of it, or what refuses it; who reports runs is an operator."""
        actor: Actor | None = scope.get("state", {}).get("actor")
        try:
            if act is not _hello:
                demand(actor, ROLE)
            try:
                return Answer(200, wire.dumps(act(self._backend(), body)))
            except UnicodeEncodeError as exc:  # half a character, which no database takes
                raise _not_understood(exc) from exc
        except Exception as exc:
            return answer_to(exc, body)


def _hello(backend: LocalBackend, body: bytes) -> dict[str, Any]:
    _ = backend, body
    return {"pluperfect": PLUPERFECT_VERSION}


def _batches(backend: LocalBackend, body: bytes) -> dict[str, Any]:
    backend.hear()
    return remote.deliver(backend, _read(remote.read_batch, body))


def _beats(backend: LocalBackend, body: bytes) -> dict[str, Any]:
    backend.hear()
    return remote.beat(backend, _read(remote.read_sender, body))


def _gone(backend: LocalBackend, body: bytes) -> dict[str, Any]:
    backend.hear()
    return remote.bury(backend, _read(remote.read_sender, body))


def _ask(backend: LocalBackend, body: bytes) -> dict[str, Any]:
    backend.hear()
    return remote.answered(backend, *_read(remote.read_question, body))


_VERBS: dict[str, tuple[str, Act]] = {
    "/hello": ("GET", _hello),
    "/batches": ("POST", _batches),
    "/beats": ("POST", _beats),
    "/gone": ("POST", _gone),
    "/ask": ("POST", _ask),
}


def _read(reader: Callable[[Any], Any], body: bytes) -> Any:
    try:
        return reader(wire.loads(body))
    except (ValueError, TypeError, LookupError, RecursionError) as exc:
        raise _not_understood(exc) from exc


def _not_understood(exc: Exception) -> Refused:
    return Refused(f"Expected a message of pluperfect's own client, got something else: {exc}")
