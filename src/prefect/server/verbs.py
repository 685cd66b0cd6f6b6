"""What our own client asks, beside the public API: batches, signs of life, and the verbs of the backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from prefect._api.errors import Refused
from prefect._backend import remote, wire
from prefect._version import PLUPERFECT_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend


def router(backend: Callable[[], LocalBackend]) -> APIRouter:
    """The routes below `/api/pluperfect`. They are no part of the documented API."""
    made = APIRouter(prefix="/pluperfect", include_in_schema=False)

    def heard() -> LocalBackend:
        found = backend()
        found.hear()
        return found

    @made.get("/hello")
    def hello() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction] - a route
        return {"pluperfect": PLUPERFECT_VERSION}

    @made.post("/batches")
    def batches(body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answer(remote.deliver(heard(), _read(remote.read_batch, body)))

    @made.post("/beats")
    def beats(body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answer(remote.beat(heard(), _read(remote.read_sender, body)))

    @made.post("/gone")
    def gone(body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answer(remote.bury(heard(), _read(remote.read_sender, body)))

    @made.post("/ask")
    def ask(body: Body) -> Response:  # pyright: ignore[reportUnusedFunction] - a route
        return _answer(remote.answered(heard(), *_read(remote.read_question, body)))

    return made


async def _raw(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_raw)]


def _read(reader: Callable[[Any], Any], body: bytes) -> Any:
    try:
        return reader(wire.loads(body))
    except (ValueError, TypeError, KeyError, LookupError) as exc:
        raise Refused(f"Expected a message of pluperfect's own client, got something else: {exc}") from exc


def _answer(said: dict[str, Any]) -> Response:
    return Response(wire.dumps(said), media_type="application/json")
