"""A server in the background: starting one, knowing it, stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prefect._base.procinfo import is_alive, start_ticks
from prefect.exceptions import PrefectException
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from typing_extensions import Self

_POLL_SECONDS = 0.05


class Running(NamedTuple):
    """A server that runs in the background, as its file in PREFECT_HOME says.

    `ticks` is when the process started: a pid is used again after its process has ended.
    """

    pid: int
    url: str
    ticks: int

    @classmethod
    def find(cls) -> Self | None:
        """The server of this home; None where there is none any more."""
        try:
            pid, url, ticks = pid_file().read_text(encoding="utf-8").split()
            found = cls(int(pid), url, int(ticks))
        except (OSError, ValueError):
            return None
        return found if is_alive(found.pid, found.ticks) else None

    def stop(self, seconds: float) -> bool:
        """Tell it to stop, and wait until it has; False if it goes on after `seconds`."""
        os.kill(self.pid, signal.SIGTERM)
        until = time.monotonic() + seconds
        while is_alive(self.pid, self.ticks):
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def start(*, services: bool) -> Running:
    """Start a server with the settings of the environment, and wait until it answers.

    Args:
        services: run the background services in it.

    Raises:
        PrefectException: one runs already, or it could not start; the message says why.
    """
    running = Running.find()
    if running is not None:
        raise PrefectException(
            f"A server of this PREFECT_HOME runs in the background at {running.url} (pid {running.pid}). "
            "Use it, or stop it first: prefect server stop"
        )
    log_file().parent.mkdir(parents=True, exist_ok=True)
    heard, told = os.pipe()
    with log_file().open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "prefect.server", str(told), "services" if services else "no-services"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[told],
            start_new_session=True,
        )
    os.close(told)
    with os.fdopen(heard) as ready:
        url = ready.readline().strip()
    if not url:
        process.wait()
        said = log_file().read_text(encoding="utf-8", errors="replace").strip()
        raise PrefectException(
            said or f"The server ended with exit code {process.returncode}. See {log_file()}."
        )
    return Running(process.pid, url, start_ticks(process.pid))


def write_pid_file(url: str) -> None:
    """Let others find this process."""
    pid = os.getpid()
    pid_file().write_text(f"{pid}\n{url}\n{start_ticks(pid)}\n", encoding="utf-8")


def pid_file() -> Path:
    """Where a server in the background says who it is."""
    return Path(get_current_settings().home) / "server.pid"


def log_file() -> Path:
    """Where it writes what it would have printed."""
    return Path(get_current_settings().home) / "server.log"
