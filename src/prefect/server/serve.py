"""The server as a process: it listens, says where, serves until it is told to stop, and leaves nothing undone."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn

from prefect._backend.resolve import close, local_backend
from prefect.logging.configuration import setup_logging
from prefect.server.app import api_path, create_app
from prefect.server.auth import is_open
from prefect.server.goodbyes import OpenSockets
from prefect.server.listen import listen, url_of
from prefect.server.pool import THREAD_NAME
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_log = logging.getLogger("prefect.server")


def serve(announce: Callable[[str], None], *, services: bool = True) -> None:
    """Serve as the settings say, until SIGINT or SIGTERM; then finish what has begun and return.

    Args:
        announce: called with the server's URL (`http://127.0.0.1:4200`) once it answers.
        services: run the background services in this process.

    Raises:
        ConfigurationError: it cannot or may not listen there.
        StoreError: the store cannot be opened.
    """
    settings = get_current_settings().server.api
    setup_logging()
    backend = (
        local_backend()
    )  # what is wrong with the store is said in a line, not in a traceback of the server's
    with listen(settings.host, settings.port, asks_for_names=not is_open(backend, wait=True)) as listening:
        serve_on(listening, lambda: announce(url_of(listening, settings.host)), services=services)


def serve_on(listening: socket.socket, announce: Callable[[], object], *, services: bool) -> None:
    """Serve on a socket that listens, until SIGINT or SIGTERM; `announce` is called once it answers."""
    settings = get_current_settings().server.api
    logging.getLogger("uvicorn").parent = _log  # one stream of lines, at one level
    logging.getLogger("uvicorn.error").addFilter(_in_a_line)
    sockets = OpenSockets(create_app(services=services))
    config = uvicorn.Config(
        sockets,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        timeout_keep_alive=int(settings.keepalive_timeout),
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )
    Server(config, sockets, announce).run([listening])
    close()
    _leave_stuck_requests()


def _in_a_line(record: logging.LogRecord) -> bool:
    """What a client does wrong is no error of the server's: it is told without a traceback."""
    if record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


class Server(uvicorn.Server):
    """uvicorn's, which announces itself, closes websockets as going away, and ends with exit code 0 when told to."""

    def __init__(
        self, config: uvicorn.Config, websockets: OpenSockets, announce: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._websockets = websockets
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, close websockets, wait for open requests up to the deadline, stop the services."""
        await self._websockets.close_all()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """While it serves, a signal stops it. uvicorn's own would raise the signal again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[Any, Any] = {number: signal.signal(number, self.handle_exit) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _leave_stuck_requests() -> None:
    """A request that is not done at the deadline must not keep the process: Python would wait for its thread."""
    threads = [one for one in threading.enumerate() if one.name.startswith(THREAD_NAME)]
    for one in threads:
        one.join(0.2)
    stuck = sum(one.is_alive() for one in threads)
    if stuck:
        _log.error("%d requests were not done in time: they are abandoned.", stuck)
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)


def banner(url: str) -> str:
    """What a person who has started a server wants to know."""
    api = f"{url}{api_path()}"
    return (
        f"The server is ready.\n\n    API   {api}\n    Docs  {url}/docs\n\n"
        f"Let flows and commands use it:\n\n    prefect config set PREFECT_API_URL={api}\n\n"
        "Stop it with Ctrl-C, or SIGTERM: open requests are finished first.\n"
    )
