"""The application: everything that the server answers, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request

from prefect._api.api import Api
from prefect._api.table import TABLE
from prefect._backend.resolve import local_backend
from prefect.server.errors import handlers
from prefect.server.mount import routes
from prefect.server.sockets import add_sockets

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend

API_VERSION = "0.8.4"


def create_app(backend: Callable[[], LocalBackend] = local_backend) -> FastAPI:
    """The ASGI application on a store.

    Args:
        backend: gives the backend on the store that is served; asked once for each request.
    """

    def api_of(request: Request) -> Api:
        return Api(backend(), getattr(request.state, "actor", None), f"{request.base_url}api")

    app = FastAPI(
        title="Pluperfect",
        version=API_VERSION,
        exception_handlers=handlers(),  # type: ignore[arg-type] # narrower than "any exception"
    )
    app.include_router(routes(TABLE, api_of), prefix="/api")
    add_sockets(app, backend)
    return app
