"""A runner's own web server: /health, /run_count and /shutdown."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from prefect._base.clock import now
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import uvicorn
    from typing_extensions import Self

    from prefect.runner.runner import Runner

__all__ = [
    "RunnerGenericFlowRunRequest",
    "build_server",
    "perform_health_check",
    "run_count",
    "shutdown",
    "start_webserver",
]

_log = logging.getLogger("prefect.runner")
_STARTED_SECONDS = 10.0


class RunnerGenericFlowRunRequest(BaseModel):
    """A flow that a runner is asked to execute."""

    entrypoint: str
    parameters: dict[str, Any] | None = None
    parent_task_run_id: UUID | None = None


def perform_health_check(runner: Runner, delay_threshold: int | None = None) -> Callable[..., JSONResponse]:
    """What answers whether a runner is well: it has asked for runs within `delay_threshold` seconds."""
    if delay_threshold is None:
        tolerance = get_current_settings().runner.server.missed_polls_tolerance
        delay_threshold = int(runner.query_seconds * tolerance) + 1
    longest = timedelta(seconds=delay_threshold)

    def health() -> JSONResponse:
        if now() - runner.last_polled > longest:
            return JSONResponse({"message": "Runner is unresponsive at this time"}, 503)
        return JSONResponse({"message": "OK"})

    return health


def run_count(runner: Runner) -> Callable[..., int]:
    """What answers how many runs a runner executes just now."""

    def count() -> int:
        return runner.run_count

    return count


def shutdown(runner: Runner) -> Callable[..., JSONResponse]:
    """What tells a runner to end, as SIGTERM does."""

    def stop() -> JSONResponse:
        runner.handle_sigterm()
        return JSONResponse({"message": "OK"})

    return stop


async def build_server(runner: Runner) -> FastAPI:
    """The application."""
    return _app(runner)


def _app(runner: Runner) -> FastAPI:
    app = FastAPI(title="Runner", openapi_url=None)
    app.add_api_route("/health", perform_health_check(runner), methods=["GET"])
    app.add_api_route("/run_count", run_count(runner), methods=["GET"])
    app.add_api_route("/shutdown", shutdown(runner), methods=["POST"])
    return app


def start_webserver(runner: Runner, log_level: str | None = None) -> None:
    """Answer until the process ends; in the calling thread."""
    _server(runner, log_level).run()


def _server(runner: Runner, log_level: str | None = None) -> uvicorn.Server:
    import uvicorn  # 150 ms of import

    settings = get_current_settings().runner.server
    level = (log_level or settings.log_level).lower()
    config = uvicorn.Config(
        _app(runner), host=settings.host, port=settings.port, log_level=level, access_log=False, ws="none"
    )
    return uvicorn.Server(config)


class Answering:
    """A context manager: the runner answers inside of the block."""

    def __init__(self, runner: Runner) -> None:
        self._server = _server(runner)
        self._thread = threading.Thread(target=self._run, name="prefect-runner-web", daemon=True)

    def _run(self) -> None:
        try:
            self._server.run()
        except SystemExit:  # uvicorn's way to say that it could not start
            settings = get_current_settings().runner.server
            _log.error(
                "The runner's web server could not listen on %s:%d. Choose another port with "
                "PREFECT_RUNNER_SERVER_PORT.",
                settings.host,
                settings.port,
            )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.should_exit = True
        self._thread.join(_STARTED_SECONDS)
