"""What our own client asks, beside the public API: batches, signs of life, and the verbs of the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from prefect._api.errors import Refused
from prefect._backend import remote, wire
from prefect._version import PLUPERFECT_VERSION
from prefect.server.body import read_body
from prefect.server.errors import answer_to
from prefect.server.guard import demand
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend

ROLE = "operator"


def router(backend: Callable[[], LocalBackend]) -> APIRouter:
    """The routes below `/api/pluperfect`. They are no part of the documented API."""
    made = APIRouter()

    def heard() -> LocalBackend:
        found = backend()
        found.hear()
        return found

    @made.get("/hello")
    def hello() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction] - a route
        return {"pluperfect": PLUPERFECT_VERSION}

    @made.post("/batches")
    def batches(request: Request, body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answered(request, body, lambda: remote.deliver(heard(), _read(remote.read_batch, body)))

    @made.post("/beats")
    def beats(request: Request, body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answered(request, body, lambda: remote.beat(heard(), _read(remote.read_sender, body)))

    @made.post("/gone")
    def gone(request: Request, body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answered(request, body, lambda: remote.bury(heard(), _read(remote.read_sender, body)))

    @made.post("/ask")
    def ask(request: Request, body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answered(request, body, lambda: remote.answered(heard(), *_read(remote.read_question, body)))

    return made


def _answered(request: Request, body: bytes, act: Callable[[], dict[str, Any]]) -> Response:
    """What comes of it, or what refuses it; who reports runs is an operator."""
    try:
        demand(getattr(request.state, "actor", None), ROLE)
        try:
            return Response(wire.dumps(act()), media_type="application/json")
        except UnicodeEncodeError as exc:  # half a character, which no database takes
            raise _not_understood(exc) from exc
    except Exception as exc:
        refused = answer_to(exc, body)
        return Response(refused.content, refused.status, dict(refused.headers), refused.media_type)


async def _raw(request: Request) -> bytes:
    return await read_body(request, get_current_settings().server.api.max_request_size)


Body = Annotated[bytes, Depends(_raw)]


def _read(reader: Callable[[Any], Any], body: bytes) -> Any:
    try:
        return reader(wire.loads(body))
    except (ValueError, TypeError, LookupError, RecursionError) as exc:
        raise _not_understood(exc) from exc


def _not_understood(exc: Exception) -> Refused:
    return Refused(f"Expected a message of pluperfect's own client, got something else: {exc}")
