"""A server, or only its services, in the background: starting one, knowing it, stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from prefect._base.procinfo import is_alive, start_ticks
from prefect.exceptions import PrefectException
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from typing_extensions import Self

Name = Literal["server", "services"]
Parts = Literal["all", "api", "services"]
STOP: dict[Name, str] = {"server": "prefect server stop", "services": "prefect server services stop"}
_POLL_SECONDS = 0.05


class Running(NamedTuple):
    """A process that runs in the background, as its file in PREFECT_HOME says.

    `url` is empty for one that only runs services. `ticks` is when the process started: a pid is used again after
    its process has ended.
    """

    pid: int
    ticks: int
    url: str

    @classmethod
    def find(cls, name: Name = "server") -> Self | None:
        """The one of this home; None where there is none any more."""
        try:
            pid, ticks, *url = pid_file(name).read_text(encoding="utf-8").split()
            found = cls(int(pid), int(ticks), *url or ("",))
        except (OSError, ValueError, TypeError):
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


def start(parts: Parts, workers: int = 1) -> Running:
    """Start a process with the settings of the environment, and wait until it is ready.

    Args:
        parts: what it serves.
        workers: processes that answer.

    Raises:
        PrefectException: one runs already, or it could not start; the message says why.
    """
    name = name_of(parts)
    running = Running.find(name)
    if running is not None:
        where = f" at {running.url}" if running.url else ""
        raise PrefectException(
            f"One of this PREFECT_HOME runs in the background already{where} (pid {running.pid}). "
            f"Use it, or stop it first: {STOP[name]}"
        )
    log_file(name).parent.mkdir(parents=True, exist_ok=True)
    heard, told = os.pipe()
    with log_file(name).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "prefect.server", str(told), parts, str(workers)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[told],
            start_new_session=True,
        )
    os.close(told)
    with os.fdopen(heard) as ready:
        if ready.readline():
            started = Running.find(name)
            assert started is not None  # it has written its file before it said so
            return started
    process.wait()
    said = log_file(name).read_text(encoding="utf-8", errors="replace").strip()
    raise PrefectException(said or f"It ended with exit code {process.returncode}. See {log_file(name)}.")


def name_of(parts: Parts) -> Name:
    """What a process that serves these parts is called."""
    return "services" if parts == "services" else "server"


def write_pid_file(name: Name, url: str) -> None:
    """Let others find this process."""
    pid = os.getpid()
    pid_file(name).write_text(f"{pid}\n{start_ticks(pid)}\n{url}\n", encoding="utf-8")


def pid_file(name: Name) -> Path:
    """Where a process in the background says who it is."""
    return Path(get_current_settings().home) / f"{name}.pid"


def log_file(name: Name) -> Path:
    """Where it writes what it would have printed."""
    return Path(get_current_settings().home) / f"{name}.log"
