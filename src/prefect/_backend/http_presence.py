"""This process as an executor whose lease is kept by a server: signs of life, and news of cancellations."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from prefect._backend import wire
from prefect._backend.line import Away
from prefect._backend.presence import own_record
from prefect._base import procinfo
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.line import Line
    from prefect.model.records import FlowRunRecord, ProcessRecord

PATH = "/pluperfect/beats"
GONE = "/pluperfect/gone"
_DESCRIBED = wire.packer(wire.PROCESS)
_TIMEOUT = 10.0  # seconds: a sign of life that takes longer is none
_log = logging.getLogger("prefect.journal")


class HttpPresence:
    """The flow runs that this process executes, and the thread that says so while there are any."""

    def __init__(self, line: Line, *, poll_seconds: float) -> None:
        self.id = new_id()
        self._started = now_us()
        self._line = line
        self._poll_seconds = poll_seconds
        self._runs: dict[bytes, Callable[[], None]] = {}
        self._attempts: dict[bytes, int] = {}
        self._described: list[Any] = []
        self._describe_at = 0.0
        self.attending = False  # it has taken background runs
        self._taken = False  # the server has a lease of this process
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def record(self) -> ProcessRecord:
        """This process; the server keeps the time of the lease."""
        return own_record(self.id, self._started, 0)._replace(pid_space=procinfo.pid_space())

    def sender(self) -> dict[str, Any]:
        """What a message says of this process; its memory is looked at once a second."""
        now = time.monotonic()
        if now >= self._describe_at:
            self._described = _DESCRIBED(self.record())
            self._describe_at = now + 1.0
        runs = [[wire.pack_bytes(run_id), attempt] for run_id, attempt in tuple(self._attempts.items())]
        return {"process": self._described, "runs": runs}

    def enter(self, run_id: bytes, cancel: Callable[[], None]) -> None:
        """This process executes the run from now on."""
        with self._lock:
            self._runs[run_id] = cancel
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="prefect-presence", daemon=True)
                self._thread.start()

    def saw(self, run: FlowRunRecord) -> None:
        """The server has told of a run that this process executes."""
        if run.id in self._runs and run.owner == self.id:
            self._taken = True
            self._attempts[run.id] = run.attempt
        else:
            self._attempts.pop(run.id, None)

    def rename(self, run_id: bytes, given: bytes) -> None:
        """The server has given the run another id."""
        with self._lock:
            cancel = self._runs.pop(run_id, None)
            if cancel is not None:
                self._runs[given] = cancel

    def leave(self, run_id: bytes) -> None:
        """The run has ended."""
        with self._lock:
            self._runs.pop(run_id, None)
            self._attempts.pop(run_id, None)
            if not self._runs:
                self._wake.set()

    def give_back(self) -> None:
        """This process executes nothing any more. Nobody waits for an absent server to hear it."""
        if (self._taken or self.attending) and not self._runs and not self._line.is_down:
            with contextlib.suppress(StoreError):
                self._line.post(GONE, wire.dumps(self.sender()), timeout=_TIMEOUT)

    def _beat(self) -> None:
        while True:
            self._wake.wait(self._poll_seconds)
            with self._lock:
                self._wake.clear()
                if not self._runs:
                    self._thread = None
                    return
            try:
                self._tell()
            except Away:
                self._wake.wait(self._line.seconds_to_next_try())
            except StoreError as exc:
                _log.error("%s", exc)
            except Exception:
                _log.exception("A sign of life failed; the next is sent all the same")

    def _tell(self) -> None:
        if not self._attempts and not self.attending:
            return
        self._line.require_turn()
        said = wire.loads(self._line.post(PATH, wire.dumps(self.sender()), timeout=_TIMEOUT))
        for text in said["cancelling"]:
            cancel = self._runs.get(wire.unpack_bytes(text))
            if cancel is not None:
                cancel()
