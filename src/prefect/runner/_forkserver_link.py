"""The runner's end of a fork server."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); from prefect.runner.{} import main; main()"
)
MOST = 65_536


class Gone(Exception):
    """The fork server does not answer any more."""


def program(module: str, argument: Mapping[str, Any]) -> list[str]:
    """The command that calls `main` of a module of this package, which finds what this process finds."""
    return [sys.executable, "-c", _BOOT.format(module), json.dumps(sys.path), json.dumps(argument)]


class Link:
    """A fork server that was started, and the two sockets to it.

    Args:
        source: the file or module it imports; None for one that only starts programs.
        folder: where it imports that.
        environment: its environment.
    """

    def __init__(self, source: str | None, folder: str, environment: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._unread = b""
        self._verdict: dict[str, Any] | None = None
        self.retired = False
        self._requests, theirs = socket.socketpair()
        self.events, their_events = socket.socketpair()
        with theirs, their_events:
            sockets = (theirs.fileno(), their_events.fileno())
            self._process = subprocess.Popen(  # noqa: S603 - this Python
                program("_forkserver", {"sockets": sockets, "source": source, "folder": folder}),
                stdin=subprocess.DEVNULL,
                stdout=2,  # what the import prints is no run's
                pass_fds=sockets,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    def verdict(self, patience: float) -> dict[str, Any] | None:
        """Whether it is ready, or what keeps it from forking; None where it has not said so in `patience` seconds.

        Raises:
            Gone: it ended instead.
        """
        with self._lock:
            if self._verdict is None:
                self._requests.settimeout(patience)
                try:
                    self._verdict = self._read()
                except TimeoutError:
                    return None
                finally:
                    self._requests.settimeout(None)
        return self._verdict

    def ask(self, request: dict[str, Any], fds: Sequence[int] = ()) -> dict[str, Any]:
        """The answer to a request, with file descriptors that the server gets a copy of.

        Raises:
            Gone: it has ended.
            OSError: it could not do what was asked.
        """
        data = json.dumps(request).encode() + b"\n"
        with self._lock:
            try:
                sent = socket.send_fds(self._requests, [data], fds) if fds else 0
                self._requests.sendall(data[sent:])
            except OSError as error:
                raise Gone(str(error)) from error
            answer = self._read()
        if "error" in answer:
            raise OSError(answer["error"])
        return answer

    def hang_up(self) -> None:
        """Let it end, after its last child."""
        with self._lock:
            self._requests.close()

    def end(self) -> None:
        """End it at once: it has no children."""
        self._process.kill()
        self.bury()

    def bury(self) -> None:
        """It has closed its sockets, and ends."""
        self.hang_up()
        self.events.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)

    def _read(self) -> dict[str, Any]:
        while b"\n" not in self._unread:
            try:
                data = self._requests.recv(MOST)
            except TimeoutError:
                raise
            except OSError as error:
                raise Gone(str(error)) from error
            if not data:
                raise Gone("it has ended")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)
