"""The application: everything that the server answers, put together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from prefect._api.api import Api
from prefect._api.table import TABLE
from prefect._backend.resolve import local_backend
from prefect._services.services import Services, enabled_services
from prefect._version import REST_VERSION
from prefect.server.access_log import access_log
from prefect.server.channels import socket_routes
from prefect.server.guard import Guard, demand_role
from prefect.server.headers import ApiVersion, SecurityHeaders
from prefect.server.metrics import Metrics
from prefect.server.mount import TableApp
from prefect.server.pages import metrics_routes, page_routes
from prefect.server.pool import Pool, Straight
from prefect.server.verbs import Verbs
from prefect.server.watch import Watch
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    from starlette.requests import Request

    from prefect._api.endpoint import Endpoint
    from prefect._backend.local import LocalBackend
    from prefect._services.service import Service
    from prefect.server.ui.app import UiApp


def create_app(backend: Callable[[], LocalBackend] = local_backend, *, services: bool = False) -> FastAPI:
    """The ASGI application on a store.

    Args:
        backend: gives the backend on the store that is served; asked once for each request.
        services: run the background services as long as the application does.
    """
    settings, prefix = get_current_settings().server, api_path()

    def api_of(request: Request, asked: Endpoint[..., Any]) -> Api:
        demand_role(request, asked)
        actor = getattr(request.state, "actor", None)
        return Api(backend(), actor, lambda: str(request.base_url.replace(path=prefix)))

    pool = Pool()
    table = TableApp(TABLE, api_of, prefix, settings.api.max_request_size, pool)
    pages = _pages(backend, pool, prefix)
    metrics = Metrics(backend) if settings.metrics_enabled else None
    return FastAPI(
        title="Pluperfect",
        version=REST_VERSION,
        openapi_url=None,  # ours is built from the table: see `openapi`
        redirect_slashes=False,
        lifespan=_lifespan(
            backend, pool, metrics, enabled_services(get_current_settings()) if services else []
        ),
        middleware=[
            *_watch(settings.api.access_log, metrics),
            Middleware(SecurityHeaders),
            _cors(settings.api),
            Middleware(
                Guard,
                backend=backend,
                open_paths=frozenset((f"{prefix}/health", f"{prefix}/ready")),
                pages=pages,
            ),
            Middleware(ApiVersion, prefix=prefix),
            Middleware(Straight, to=(table, Verbs(backend, prefix, pool), *([pages] if pages else []))),
        ],
        routes=[
            *page_routes(prefix),
            *metrics_routes(metrics, prefix),
            *socket_routes(backend, prefix),
            Mount(prefix, table),  # says that there is nothing
        ],
    )


def _pages(backend: Callable[[], LocalBackend], pool: Pool, prefix: str) -> UiApp | None:
    """The web UI, unless the settings do not want one."""
    if not get_current_settings().server.ui.enabled:
        return None
    from prefect.server.ui.app import UiApp  # templates and pages: only where they are served

    return UiApp(backend, pool, prefix)


def _lifespan(
    backend: Callable[[], LocalBackend], pool: Pool, metrics: Metrics | None, services: list[Service]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What begins before the first request, and ends after the last: services, and the journal's last commit."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        opened = backend()
        opened.hear()
        running = Services(services, backend, opened.store.leads)
        opened.journal.start()
        if metrics is not None:
            metrics.start(services)
        running.start()
        yield
        pool.close()
        await run_in_threadpool(running.stop)
        if metrics is not None:
            metrics.stop()
        opened.journal.commit()

    return lifespan


def _watch(form: str | None, metrics: Metrics | None) -> list[Middleware]:
    """Who looks at every request: nobody, unless the settings ask for an access log or for metrics."""
    watchers = [access_log(form)] if form else []
    if metrics is not None:
        watchers.append(metrics.answered)
    return [Middleware(Watch, watchers=watchers)] if watchers else []


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
