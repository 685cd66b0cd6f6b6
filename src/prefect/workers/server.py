"""A worker's own web server: GET /health."""

from __future__ import annotations

import logging
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.workers.base import BaseWorker

__all__ = ["build_healthcheck_server", "start_healthcheck_server"]

_HOST = "PREFECT_WORKER_WEBSERVER_HOST"
_PORT = "PREFECT_WORKER_WEBSERVER_PORT"
_END_SECONDS = 10.0
_log = logging.getLogger("prefect.workers")


def build_healthcheck_server(
    worker: BaseWorker[Any, Any, Any], query_interval_seconds: float, log_level: str = "error"
) -> uvicorn.Server:
    """A server that answers whether a worker is well: it has asked for runs within its last thirty polls.

    It listens on PREFECT_WORKER_WEBSERVER_HOST (0.0.0.0) and PREFECT_WORKER_WEBSERVER_PORT (8080).
    """
    app = FastAPI(title="Worker", openapi_url=None)

    def health() -> JSONResponse:
        if worker.is_worker_still_polling(query_interval_seconds):
            return JSONResponse({"message": "OK"})
        return JSONResponse({"message": "Worker may be unresponsive at this time"}, 503)

    app.add_api_route("/health", health, methods=["GET"])
    host, port = os.environ.get(_HOST, "0.0.0.0"), int(os.environ.get(_PORT, "8080"))  # noqa: S104 - for probes
    return uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, log_level=log_level, access_log=False, ws="none")
    )


def start_healthcheck_server(
    worker: BaseWorker[Any, Any, Any], query_interval_seconds: float, log_level: str = "error"
) -> None:
    """Answer until the process ends; in the calling thread."""
    build_healthcheck_server(worker, query_interval_seconds, log_level).run()


@contextmanager
def answering(
    worker: BaseWorker[Any, Any, Any], query_interval_seconds: float
) -> Generator[None, None, None]:
    """Answer inside of the block."""
    server = build_healthcheck_server(worker, query_interval_seconds)
    thread = threading.Thread(target=_run, args=(server,), name="prefect-worker-web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(_END_SECONDS)


def _run(server: uvicorn.Server) -> None:
    try:
        server.run()
    except SystemExit:  # uvicorn's way to say that it could not start
        _log.error(
            "The worker's web server could not listen on %s:%d. Choose another port: %s.",
            server.config.host,
            server.config.port,
            _PORT,
        )
