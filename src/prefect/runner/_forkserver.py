"""The fork server: a process that starts children for a runner, and sees how they end.

It runs in a process of its own, with one thread, that holds nothing open but its two sockets. With a source it has
that imported, and a child is a fork of it (a warm start); a child may also be a program of its own (a cold start).
The runner asks over one socket, a request and a reply at a time; over the other it is told how children end.
The children outlive the runner: when that is gone, their output is read to nowhere until the last of them ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Request = dict[str, Any]

MOST = 65_536
FDS = 3  # with each start: both ends of the output, and where the child leaves its word
_STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


class _Started(NamedTuple):
    token: int
    output: int  # the end of its output that is read


class Server:
    """See the module.

    Args:
        requests: the socket over which the runner asks.
        events: the socket over which it is told.
        warm: called in a fork with a request that names no program; it does not return.
    """

    def __init__(
        self, requests: socket.socket, events: socket.socket, warm: Callable[[Request], None] | None
    ) -> None:
        self._requests = requests
        self._events = events
        self._warm = warm
        self._children: dict[int, _Started] = {}
        self._unread = b""
        self._fds: list[int] = []
        self._wakeup, self._woken = socket.socketpair()

    def run(self) -> None:
        """Serve until the runner hangs up, and then until the last child has ended."""
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)  # it ends with its runner, whoever ends its group
        signal.signal(signal.SIGCHLD, _noted)
        self._wakeup.setblocking(False)
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        while True:
            readable, _, _ = select.select([self._requests, self._woken], [], [])
            if self._woken in readable:
                self._woken.recv(MOST)
                self._reap()
            if self._requests in readable and not self._answer():
                break
        self._outlive()

    def _answer(self) -> bool:
        """Answer what has come; False when the runner has hung up."""
        try:
            data, fds, _, _ = socket.recv_fds(self._requests, MOST, FDS)
        except OSError:
            return False
        for fd in fds:
            os.set_inheritable(fd, False)
        self._fds += fds
        if not data:
            return False
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            request: Request = json.loads(line)
            reply = self._start(request) if "token" in request else self._signal(request)
            with contextlib.suppress(OSError):  # the next look finds it gone
                self._requests.sendall(json.dumps(reply).encode() + b"\n")
        return True

    def _start(self, request: Request) -> Request:
        output, written, word = self._fds[:FDS]
        del self._fds[:FDS]
        signal.pthread_sigmask(
            signal.SIG_BLOCK, _STOPS
        )  # one that comes early waits for the child's handlers
        try:
            pid = os.fork()
            if not pid:
                self._become(request, (output, written, word))
        except OSError as error:
            os.close(output)
            return {"error": f"No process could be started: {error.strerror}"}
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
            os.close(written)
            os.close(word)
        self._children[pid] = _Started(request["token"], output)
        return {"pid": pid}

    def _become(self, request: Request, fds: tuple[int, int, int]) -> None:
        """In the fork: leave everything of the server behind, and be the child."""
        output, written, word = fds
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for mine in (self._requests, self._events, self._wakeup, self._woken):
                mine.close()
            for fd in (output, *(started.output for started in self._children.values())):
                os.close(fd)
            console = _take_streams(written)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            if "argv" in request:
                _exec(request, console, word)
            assert self._warm is not None
            self._warm({**request, "console": console, "word": word})
        except BaseException as error:  # nothing of a child may run on in the server's loop
            with contextlib.suppress(OSError):
                os.write(word, f"The process of the run could not be set up: {error!r}".encode())
        finally:
            os._exit(70)

    def _signal(self, request: Request) -> Request:
        pid, number = request["pid"], request["signal"]
        if pid not in self._children:
            return {"sent": False}
        if request["group"]:
            with contextlib.suppress(ProcessLookupError):  # it has no group of its own yet
                os.killpg(pid, number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return {"sent": True}

    def _reap(self) -> None:
        for pid in list(self._children):
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found:
                if os.WIFSIGNALED(status):  # what it has started must not go on beside its next attempt
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(pid, signal.SIGKILL)
                started = self._children.pop(pid)
                os.close(started.output)
                self._tell({"ended": started.token, "pid": pid, "status": status, "peak": usage.ru_maxrss})

    def _tell(self, event: Request) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            self._events.sendall(json.dumps(event).encode() + b"\n")

    def _outlive(self) -> None:
        """The runner is gone: nobody but us reads what its children write."""
        while self._children:
            outputs = [started.output for started in self._children.values()]
            readable, _, _ = select.select([self._woken, *outputs], [], [], 1.0)
            if self._woken in readable:
                self._woken.recv(MOST)
            for output in set(outputs) & set(readable):
                os.read(output, MOST)
            self._reap()


def _noted(number: int, frame: FrameType | None) -> None:
    """The signal has woken the server, which looks after its children."""


def _take_streams(written: int) -> int:
    """Read from nothing, write to the runner; what stderr was, for what is meant for the terminal only."""
    console = os.dup(2)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)
    os.close(null)
    os.close(written)
    return console


def _exec(request: Request, console: int, word: int) -> None:
    for number in _STOPS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.chdir(request["cwd"])
    os.set_inheritable(console, True)
    os.set_inheritable(word, True)
    environment = request["env"] | {"PREFECT__CONSOLE_FD": str(console), "PREFECT__WORD_FD": str(word)}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
    os.execvpe(request["argv"][0], request["argv"], environment)  # noqa: S606 - what the runner asks for


def main() -> None:
    """The process's beginning. Its argument is JSON: the sockets' file descriptors, and what to have imported."""
    given = json.loads(sys.argv.pop(1))  # what is imported may look at its arguments
    requests, events = (socket.socket(fileno=fd) for fd in given["sockets"])
    warm = None
    ready: Request = {"ready": True}
    if given["source"] is not None:
        from prefect.runner._forkserver_source import Warmed  # the engine: only for warm starts

        warmed = Warmed(given["source"], given["folder"])
        ready = warmed.verdict()
        warm = warmed.become
    try:
        requests.sendall(json.dumps(ready).encode() + b"\n")
    except OSError:  # the runner has ended meanwhile
        return
    if "cold" in ready:
        return
    gc.collect()
    gc.freeze()  # a child's collector leaves alone what it shares with the server
    Server(requests, events, warm).run()
