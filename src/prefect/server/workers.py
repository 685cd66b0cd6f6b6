"""Several processes that answer at one address: `prefect server start --workers N`, on Postgres.

One process listens, starts the others with its socket, starts again what dies, and stops them all. The first of them
runs the background services. When the one that listens is gone, however it went, so are they.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from prefect._backend.resolve import close, local_backend
from prefect._storage.opening import is_postgres
from prefect.exceptions import ConfigurationError, PrefectException
from prefect.logging.configuration import setup_logging
from prefect.server.auth import is_open
from prefect.server.listen import listen, url_of
from prefect.server.serve import serve_on
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_AWAITED: Final = (*_SIGNALS, signal.SIGCHLD)
_POLL_SECONDS: Final = 0.1
_KILL_AFTER: Final = 10.0  # seconds beyond the time that open requests get
_LONG_LIFE: Final = 5.0  # seconds; what dies sooner is started again a little later
_log = logging.getLogger("prefect.server")


def serve_workers(announce: Callable[[str], None], count: int, *, services: bool = True) -> None:
    """Serve with several processes until SIGINT or SIGTERM.

    Args:
        announce: called with the URL once every one of them answers.
        count: of processes.
        services: run the background services, in one of them.

    Raises:
        ConfigurationError: the store is SQLite, or it cannot or may not listen there.
        PrefectException: one of them ended before it answered.
    """
    require_postgres(count)
    settings = get_current_settings().server.api
    setup_logging()
    signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)  # in every thread that follows: `sigwait` takes them
    try:
        asks_for_names = not is_open(local_backend(), wait=True)
        with listen(settings.host, settings.port, asks_for_names=asks_for_names) as listening:
            workers = _Workers(listening, count, services=services)
            try:
                workers.start()
                announce(url_of(listening, settings.host))
                while signal.sigwait(_AWAITED) == signal.SIGCHLD:
                    workers.replace_dead()
            finally:
                workers.stop(settings.drain_seconds + _KILL_AFTER)
        close()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)


def require_postgres(count: int) -> None:
    """Raises ConfigurationError where several processes are to serve a SQLite file."""
    if count > 1 and not is_postgres(str(get_current_settings().server.database.connection_url)):
        raise ConfigurationError(
            f"Expected a store on Postgres for --workers {count}, got SQLite: one process at a time can write its "
            "file, so more of them answer no faster. Leave --workers out, or set "
            "PREFECT_API_DATABASE_CONNECTION_URL=postgresql://… (`prefect server database copy` moves what there is)."
        )


class _Workers:
    """The processes of a server."""

    def __init__(self, listening: socket.socket, count: int, *, services: bool) -> None:
        self._listening = listening
        self._parts = ["all" if services and i == 0 else "api" for i in range(count)]
        self._ready, self._tell = os.pipe()
        self._leash, self._held = os.pipe()  # nothing is written: its end tells that this process is gone
        self._running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}

    def start(self) -> None:
        """Start them, and return when all of them answer. Raises PrefectException where one does not."""
        for place in range(len(self._parts)):
            self._start(place)
        answering = 0
        while answering < len(self._parts):
            if select.select([self._ready], [], [], _POLL_SECONDS)[0]:
                answering += len(os.read(self._ready, 64))
            for process, _ in self._running.values():
                if process.poll() is not None:
                    raise PrefectException(
                        f"A process of the server ended with exit code {process.returncode} before it answered."
                    )

    def replace_dead(self) -> None:
        """Start what has died again."""
        for place, (process, started) in list(self._running.items()):
            if process.poll() is not None:
                _log.error("A process of the server (pid %d) died: it is started again.", process.pid)
                time.sleep(0 if time.monotonic() - started > _LONG_LIFE else 1)  # not as fast as it can die
                self._start(place)

    def stop(self, seconds: float) -> None:
        """Stop them: open requests are finished, up to the deadline."""
        for process, _ in self._running.values():
            process.terminate()
        until = time.monotonic() + seconds
        for process, _ in self._running.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:  # noqa: PERF203 - each process for itself
                process.kill()
                process.wait()
        for end in (self._ready, self._tell, self._leash, self._held):
            os.close(end)

    def _start(self, place: int) -> None:
        ends = (self._listening.fileno(), self._tell, self._leash)
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "prefect.server.workers", *map(str, ends), self._parts[place]],
            stdin=subprocess.DEVNULL,
            pass_fds=ends,
        )
        self._running[place] = (process, time.monotonic())


def main() -> None:
    """One of the processes: `python -m prefect.server.workers SOCKET READY LEASH PARTS`."""
    listening, ready, leash = (int(one) for one in sys.argv[1:4])
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _AWAITED)
    setup_logging()
    threading.Thread(target=_end_with_parent, args=(leash,), name="prefect-leash", daemon=True).start()
    local_backend()
    with socket.socket(fileno=listening) as shared:
        serve_on(shared, lambda: os.write(ready, b"."), services=sys.argv[4] == "all")


def _end_with_parent(leash: int) -> None:
    os.read(leash, 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
