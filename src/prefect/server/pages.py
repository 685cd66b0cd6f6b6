"""What the server shows besides the API: the OpenAPI document, and pages for people."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from prefect._api.table import TABLE
from prefect.exceptions import StoreError
from prefect.server.metrics import MEDIA_TYPE

if TYPE_CHECKING:
    from starlette.requests import Request

    from prefect.server.metrics import Metrics

STATIC = Path(__file__).parent / "static"


def page_routes(prefix: str) -> list[BaseRoute]:
    """`/openapi.json` and `/docs`, also below the API, and the files that pages need.

    Args:
        prefix: of the API.
    """

    def openapi(_: Request) -> Response:
        return Response(_document(prefix), media_type="application/json")

    def docs(_: Request) -> Response:
        return HTMLResponse(_docs(prefix))

    return [
        Route("/openapi.json", openapi),
        Route("/docs", docs),
        Route(f"{prefix}/openapi.json", openapi),
        Route(f"{prefix}/docs", docs),
        Mount("/static", StaticFiles(directory=STATIC)),
        Mount(f"{prefix}/static", StaticFiles(directory=STATIC)),
    ]


def metrics_routes(metrics: Metrics | None, prefix: str) -> list[BaseRoute]:
    """`/metrics`, also below the API; none where nothing is measured.

    Args:
        metrics: what is measured.
        prefix: of the API.
    """
    if metrics is None:
        return []

    def show(_: Request) -> Response:
        try:
            return Response(metrics.page(), media_type=MEDIA_TYPE)
        except StoreError as exc:
            return JSONResponse({"exception_message": str(exc)}, 503, {"Retry-After": "1"})

    return [Route("/metrics", show), Route(f"{prefix}/metrics", show)]


@cache
def _document(prefix: str) -> bytes:
    from prefect.server.openapi import document  # schemas of all endpoints: only for those who look

    return json.dumps(document(TABLE, prefix), ensure_ascii=False).encode()


@cache
def _docs(prefix: str) -> str:
    from prefect.server.docs_page import page  # only for those who look

    return page(json.loads(_document(prefix)))
