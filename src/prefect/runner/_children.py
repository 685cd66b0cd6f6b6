"""Children: each run in a process group of its own, and what became of it.

`Children` starts them by fork servers (`_forkserver.py`): warm, from one that has the run's source imported, or cold,
as a new program. One thread reads what they write and learns how they end. Everything here may be called from any
thread, also from within the callbacks, which are called in that one thread.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import selectors
import shlex
import signal
import socket
import sys
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._base import procinfo
from prefect.runner._endings import Ending, OutOfMemory, bytes_of, ending_of, unseen
from prefect.runner._files import have_changed
from prefect.runner._forkserver_link import Gone, Link, program
from prefect.runner._lines import Lines
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

__all__ = ["Child", "Children", "Ending", "Source"]

PATIENCE = 10.0  # seconds that a start waits for a source to be imported, before it does without
_LOOK_SECONDS = 0.2  # between looks for children whose fork server was killed
_ONE_READ = 65_536
_ONE_DRAIN = 1 << 20  # what is read at most of a child that has ended, whose own children may write for ever
_outlived_by: list[
    Link
] = []  # servers whose children have outlived their `Children`, kept until this process ends
_log = logging.getLogger("prefect.runner")


class Source(NamedTuple):
    """Where a flow is: `entrypoint` (`path/to/file.py:name` or `package.module:name`), seen from `folder`."""

    entrypoint: str
    folder: Path


class Child:
    """A process that executes a run; `pid` is also the id of its process group."""

    def __init__(self, run_id: UUID, token: int, link: Link, output: int, word: int) -> None:
        self.run_id = run_id
        self.pid = 0
        self._token = token
        self._link = link
        self._output = output
        self._word = word
        self._lines = Lines()
        self._ended = False
        self._start_ticks = 0

    def terminate(self) -> None:
        """Ask the process to stop (SIGTERM). Nothing happens where it has ended."""
        self._signal(signal.SIGTERM, group=False)

    def kill(self) -> None:
        """End the process and every other one of its group at once (SIGKILL)."""
        self._signal(signal.SIGKILL, group=True)

    def _signal(self, number: int, *, group: bool) -> None:
        if self._ended:
            return
        try:
            self._link.ask({"signal": number, "pid": self.pid, "group": group})
        except Gone:
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(self.pid, number)

    def __repr__(self) -> str:
        return f"<Child {self.pid} of flow run {self.run_id}>"


class Children:
    """The children of a runner.

    Args:
        on_line: called with each line that a child writes to stdout or stderr, without its end.
        on_end: called once for each child, after its last line; maybe before `start` has returned it.
    """

    def __init__(
        self, on_line: Callable[[Child, str], None], on_end: Callable[[Child, Ending], None]
    ) -> None:
        self._on_line = on_line
        self._on_end = on_end
        self._lock = threading.RLock()
        self._tokens = itertools.count(1)
        self._living: dict[int, Child] = {}
        self._orphans: dict[int, Child] = {}
        self._warm: dict[tuple[str, str], Link] = {}
        self._cold: dict[tuple[str, str], dict[str, Any]] = {}
        self._launcher: Link | None = None
        self._links: set[Link] = set()
        self._memory = OutOfMemory()
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._wanted: deque[Callable[[], None]] = deque()
        self._closing = False
        self._selector.register(self._woken, selectors.EVENT_READ, self._wake)
        self._thread = threading.Thread(target=self._loop, name="prefect-children", daemon=True)
        self._thread.start()

    def warm(self, source: Source) -> None:
        """Begin to import a source, so that the first start finds it imported."""
        with self._lock:
            self._begin_warm(source)

    def start(
        self,
        run_id: UUID,
        source: Source,
        *,
        env: Mapping[str, str | None] | None = None,
        command: str | None = None,
        working_dir: Path | None = None,
    ) -> Child:
        """Execute a flow run in a child.

        Where the source is being imported just now that is waited for, up to `PATIENCE` seconds.

        Args:
            run_id: the run.
            source: where its flow is.
            env: environment variables besides those of this process and its settings; None removes one.
            command: what to execute instead, as a shell would split it; it finds the id in `PREFECT__FLOW_RUN_ID`.
            working_dir: where the child begins; the source's folder unless given.

        Raises:
            OSError: no process could be started.
            RuntimeError: `close` was called.
        """
        self._require_open()
        request: dict[str, Any] = {
            "run_id": str(run_id),
            "entrypoint": source.entrypoint,
            "env": _environment({"PREFECT__FLOW_RUN_ID": str(run_id), **(env or {})}),
            "cwd": str(working_dir or source.folder),
        }
        link = self._warm_link(source) if command is None else None
        if link is not None:
            with contextlib.suppress(Gone):
                return self._start(run_id, link, request)
        if command is not None:
            request["argv"] = shlex.split(command)
            request["env"].setdefault("PYTHONUNBUFFERED", "1")
        else:
            said = {"run_id": str(run_id), "entrypoint": source.entrypoint}
            request["argv"] = program("_forkserver_child", said)
        try:
            return self._start(run_id, self._launching(), request)
        except Gone:
            return self._start(run_id, self._launching(), request)

    def close(self) -> None:
        """Let the fork servers end. Children that still run go on, and nobody is told of them any more."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._post(lambda: None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    # --- which server ---------------------------------------------------------------------------------

    def _warm_link(self, source: Source) -> Link | None:
        """The server that has the source imported; None where it takes a cold start."""
        with self._lock:
            link = self._begin_warm(source)
        if link is None:
            return None
        try:
            verdict = link.verdict(PATIENCE)
            if verdict is not None and "cold" not in verdict and have_changed(verdict["files"]):
                with self._lock:
                    self._retire(source, link)
                    link = self._begin_warm(source)
                verdict = link.verdict(PATIENCE) if link is not None else None
        except Gone:
            with self._lock:
                self._retire(source, link)
            return None
        if verdict is not None and "cold" in verdict:
            with self._lock:
                self._take_cold(source, link, verdict)
            return None
        return link if verdict is not None else None

    def _begin_warm(self, source: Source) -> Link | None:
        key = _key(source)
        if key in self._warm:
            return self._warm[key]
        if not get_current_settings().runner.fork_server or not sys.platform.startswith("linux"):
            return None  # elsewhere the threads of a process cannot be counted
        if key in self._cold and not have_changed(self._cold[key]["files"]):
            return None
        self._cold.pop(key, None)
        link = self._warm[key] = self._begin(*key)
        return link

    def _take_cold(self, source: Source, link: Link | None, verdict: dict[str, Any]) -> None:
        self._retire(source, link)
        if self._cold.get(_key(source)) != verdict:
            self._cold[_key(source)] = verdict
            _log.info("Runs of %s start cold: %s", source.entrypoint, verdict["cold"])

    def _retire(self, source: Source, link: Link | None) -> None:
        if link is None:
            return
        if self._warm.get(_key(source)) is link:
            del self._warm[_key(source)]
        link.retired = True
        self._let_go(link)

    def _let_go(self, link: Link) -> None:
        """A retired server ends with its last child."""
        if link.retired and not any(child._link is link for child in self._living.values()):
            link.hang_up()

    def _launching(self) -> Link:
        with self._lock:
            if self._launcher is None or self._launcher not in self._links:
                self._launcher = self._begin(None, str(Path.cwd()))
            launcher = self._launcher
        launcher.verdict(PATIENCE)
        return launcher

    def _require_open(self) -> None:
        if self._closing:
            raise RuntimeError("Expected children that are not closed, got closed ones. Make new ones.")

    def _begin(self, source: str | None, folder: str) -> Link:
        self._require_open()
        link = Link(source, folder, _environment({}))
        self._links.add(link)
        self._post(
            lambda: self._selector.register(link.events, selectors.EVENT_READ, _Events(self, link)) and None
        )
        return link

    # --- one child ------------------------------------------------------------------------------------

    def _start(self, run_id: UUID, link: Link, request: dict[str, Any]) -> Child:
        output, written, word, word_written = _pipes()
        os.set_blocking(output, False)
        os.set_blocking(word, False)
        child = Child(run_id, next(self._tokens), link, output, word)
        with self._lock:
            if not self._living:
                self._memory.begin()
            self._living[child._token] = child
        try:
            child.pid = link.ask({"token": child._token, **request}, (output, written, word_written))["pid"]
        except BaseException:
            with self._lock:
                self._living.pop(child._token, None)
            os.close(output)
            os.close(word)
            raise
        finally:
            os.close(written)
            os.close(word_written)
        self._post(lambda: self._watch(child))
        return child

    # --- the thread -----------------------------------------------------------------------------------

    def _post(self, wanted: Callable[[], None]) -> None:
        self._wanted.append(wanted)
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def _wake(self) -> None:
        self._woken.recv(_ONE_READ)
        while self._wanted:
            self._wanted.popleft()()

    def _loop(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(_LOOK_SECONDS if self._orphans else None):
                self._handle(key.data)
            for child in list(self._orphans.values()):
                if not procinfo.is_alive(child.pid, child._start_ticks):
                    self._ended(child, None, None)
        self._shut()

    def _handle(self, news: Callable[[], None]) -> None:
        try:
            news()
        except Exception:  # the other children are to be heard all the same
            _log.exception("What a child did could not be dealt with")

    def _shut(self) -> None:
        with self._lock:
            busy = {child._link for child in self._living.values()}
            for link in self._links - busy:
                link.end()
            for link in busy:
                link.hang_up()
                link.events.close()
            _outlived_by.extend(busy)
            for child in self._living.values():
                os.close(child._word)
            for fd in [key.fd for key in self._selector.get_map().values() if isinstance(key.fileobj, int)]:
                os.close(fd)
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def _watch(self, child: Child) -> None:
        if child._output >= 0 and child._output not in self._selector.get_map():
            self._selector.register(child._output, selectors.EVENT_READ, lambda: self._read(child))

    def _read(self, child: Child) -> bool:
        """Hand on what the child has written; whether there may be more just now."""
        if child._output < 0:
            return False
        try:
            data = os.read(child._output, _ONE_READ)
        except BlockingIOError:
            return False
        if not data:
            self._selector.unregister(child._output)
            os.close(child._output)
            child._output = -1
            return False
        if not child._ended:
            self._hand_on(child, child._lines.feed(data))
        return True

    def _hand_on(self, child: Child, lines: list[str]) -> None:
        for line in lines:
            try:
                self._on_line(child, line)
            except Exception:  # noqa: PERF203 - one line's failure is not the next one's
                _log.exception("A line of %r could not be dealt with", child)

    def _ended(self, child: Child, status: int | None, peak: int | None) -> None:
        """The process is gone: its last lines, its word, its end. What it has started may go on writing to nobody."""
        self._watch(child)
        left = _ONE_DRAIN
        while left > 0 and self._read(child):
            left -= _ONE_READ
        self._hand_on(child, child._lines.rest())
        child._ended = True
        word = _word_in(child._word)
        os.close(child._word)
        with self._lock:
            self._living.pop(child._token, None)
            self._orphans.pop(child._token, None)
            self._let_go(child._link)
        ending = unseen(word) if status is None else ending_of(status, peak, word, self._memory)
        try:
            self._on_end(child, ending)
        except Exception:
            _log.exception("The end of %r could not be dealt with", child)


class _Events:
    """What a fork server tells."""

    def __init__(self, children: Children, link: Link) -> None:
        self._children = children
        self._link = link
        self._unread = b""

    def __call__(self) -> None:
        children = self._children
        try:
            data = self._link.events.recv(_ONE_READ)
        except OSError:
            data = b""
        if not data:
            self._gone()
            return
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            child = children._living.get(event["ended"])
            if child is not None:
                child.pid = event["pid"]
                children._ended(child, event["status"], bytes_of(event["peak"]))

    def _gone(self) -> None:
        """The server has ended: its children, if it has any, are to be watched from here."""
        children = self._children
        children._selector.unregister(self._link.events)
        with children._lock:
            children._links.discard(self._link)
            for token, child in children._living.items():
                if child._link is self._link and child.pid:
                    child._start_ticks = procinfo.start_ticks(child.pid)
                    children._orphans[token] = child
        self._link.bury()


def _pipes() -> tuple[int, int, int, int]:
    """Two pipes, or none. Raises OSError."""
    first = os.pipe()
    try:
        return *first, *os.pipe()
    except OSError:
        for descriptor in first:
            os.close(descriptor)
        raise


def _word_in(pipe: int) -> bytes:
    try:
        return os.read(pipe, _ONE_READ)
    except BlockingIOError:  # something that the child has started holds it open
        return b""


def _key(source: Source) -> tuple[str, str]:
    return source.entrypoint.rpartition(":")[0], str(source.folder.absolute())


def _environment(more: Mapping[str, str | None]) -> dict[str, str]:
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    return {name: value for name, value in {**os.environ, **settings, **more}.items() if value is not None}
