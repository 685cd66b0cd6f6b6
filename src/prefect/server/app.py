"""The application: everything that the server answers, put together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from prefect._api.api import Api
from prefect._api.table import TABLE
from prefect._backend.resolve import local_backend
from prefect._version import REST_VERSION
from prefect.server.guard import Guard, demand_role
from prefect.server.headers import ApiVersion, SecurityHeaders
from prefect.server.mount import TableApp
from prefect.server.pages import page_routes
from prefect.server.verbs import router as verbs
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from starlette.requests import Request

    from prefect._api.endpoint import Endpoint
    from prefect._backend.local import LocalBackend


def create_app(
    backend: Callable[[], LocalBackend] = local_backend,
    *,
    services: bool = False,  # noqa: ARG001 - the services come with their own part of the server
) -> FastAPI:
    """The ASGI application on a store.

    Args:
        backend: gives the backend on the store that is served; asked once for each request.
        services: run the background services as long as the application does.
    """
    settings = get_current_settings().server.api
    prefix = api_path()

    def api_of(request: Request, asked: Endpoint[..., Any]) -> Api:
        demand_role(request, asked)
        return Api(backend(), getattr(request.state, "actor", None))

    table = TableApp(TABLE, api_of, prefix, settings.max_request_size)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        opened = backend()
        opened.hear()
        opened.journal.start()
        # services: `Services(backend).start()` here, if asked for ...
        yield
        # ... and `.stop()` here, before the last commit
        table.close()
        opened.journal.commit()

    return FastAPI(
        title="Pluperfect",
        version=REST_VERSION,
        openapi_url=None,  # ours is built from the table: see `openapi`
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(SecurityHeaders),
            _cors(settings),
            Middleware(Guard, backend=backend, open_paths=frozenset((f"{prefix}/health", f"{prefix}/ready"))),
            Middleware(ApiVersion, prefix=prefix),
        ],
        routes=[*page_routes(prefix), Mount(f"{prefix}/pluperfect", verbs(backend)), Mount(prefix, table)],
    )


def api_path() -> str:
    """The path that the API is below: `/api`, or as the settings say."""
    path = get_current_settings().server.api.base_path or "/api"
    return "/" + path.strip("/")


def _cors(settings: Any) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=_words(settings.cors_allowed_origins),
        allow_methods=_words(settings.cors_allowed_methods),
        allow_headers=_words(settings.cors_allowed_headers),
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
