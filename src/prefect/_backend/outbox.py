"""What goes to the server in order: numbered batches of rows and log lines, some with a verb that wants an answer.

A batch is closed once, under its number, and sent until it is acknowledged; the server writes a number once. So
everything that a process writes arrives in the order in which it was written, exactly once.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from prefect._backend import wire
from prefect._backend.line import Away, Refusal
from prefect._backend.verbs import exception_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from prefect._backend.line import Line
    from prefect._backend.verbs import Verb
    from prefect.model.records import LogRecord

    Row = tuple[Any, ...]

_log = logging.getLogger("prefect.journal")
MOST_ROWS = 1000  # in one batch
PATH = "/pluperfect/batches"
_PACK_ROW, _PACK_LINE = wire.TASK_RUN.pack, wire.LOG.pack
assert _PACK_ROW is not None
assert _PACK_LINE is not None


class Parcel:
    """A batch that is still open. `number` is given when it is closed."""

    __slots__ = ("answer", "arguments", "content", "done", "failure", "lines", "number", "rows", "verb")

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()
        self.lines: Sequence[LogRecord] = ()
        self.verb: Verb | None = None
        self.arguments: dict[str, Any] = {}
        self.number = 0
        self.content = b""
        self.done = False
        self.answer: Any = None
        self.failure: BaseException | None = None

    def ask(self, verb: Verb, arguments: dict[str, Any]) -> None:
        """Have the server carry out a verb, after it has written the rows."""
        self.verb, self.arguments = verb, arguments


class Outbox:
    """See `prefect._backend.writer.Sink`.

    Args:
        line: to the server.
        sender: what a batch says of the process that sends it.
        max_rows: how many rows may wait in memory.
    """

    def __init__(self, line: Line, sender: Callable[[], dict[str, Any]], *, max_rows: int) -> None:
        self._line = line
        self._sender = sender
        self._max_rows = max_rows
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        self._queue: deque[Parcel] = deque()
        self._last = 0

    @property
    def linger_seconds(self) -> float:
        """A request costs a millisecond, so more rows share it; an absent server is asked when its time has come."""
        return 0.02 + min(1.0, self._line.seconds_to_next_try())

    def locked(self) -> threading.RLock:
        """The lock under which batches are numbered."""
        return self._lock

    @contextlib.contextmanager
    def write(self) -> Generator[Parcel, None, None]:
        """A batch; closed when the block ends."""
        with self._lock:
            parcel = Parcel()
            yield parcel
            self._close(parcel)

    def record(self, batch: Parcel, rows: Sequence[Row], lines: Sequence[LogRecord]) -> None:
        """Put rows of task runs and log lines into a batch."""
        batch.rows, batch.lines = rows, lines

    def settle(self, *, barrier: bool) -> None:
        """Send what waits. Raises StoreError where the server is away."""
        self.deliver()

    def answer_of(self, parcel: Parcel) -> Any:
        """What the server answers to a batch, waiting for it.

        Raises:
            Away: it did not answer for as long as patience lasts; the batch is still sent when it is back.
            Exception: what the verb raised.
        """
        deadline = self._line.deadline()
        while not parcel.done:
            self._line.wait(deadline)
            try:
                self.deliver(until=parcel)
            except Away:
                if time.monotonic() >= deadline:
                    raise
        if parcel.failure is not None:
            raise parcel.failure
        assert parcel.verb is not None
        return parcel.verb.answer.unpack(parcel.answer)

    def deliver(self, until: Parcel | None = None) -> None:
        """Send what waits, in order, one after the other; up to and with `until`, if that is given.

        Raises:
            Away: the server does not answer.
        """
        with self._sending:
            while self._queue and not (until is not None and until.done):
                self._send(self._queue[0])
                self._queue.popleft()

    def _close(self, parcel: Parcel) -> None:
        """Give it its number, and put it into the queue; what is too large goes in several."""
        while len(parcel.rows) > MOST_ROWS or len(parcel.lines) > MOST_ROWS:
            part = Parcel()
            part.rows, parcel.rows = parcel.rows[:MOST_ROWS], parcel.rows[MOST_ROWS:]
            part.lines, parcel.lines = parcel.lines[:MOST_ROWS], parcel.lines[MOST_ROWS:]
            self._enqueue(part)
        if parcel.rows or parcel.lines or parcel.verb is not None:
            self._enqueue(parcel)

    def _enqueue(self, parcel: Parcel) -> None:
        self._last += 1
        parcel.number = self._last
        message: dict[str, Any] = {"number": parcel.number, **self._sender()}
        if parcel.rows:
            message["rows"] = [_PACK_ROW(row) for row in parcel.rows]
        if parcel.lines:
            message["logs"] = [_PACK_LINE(line) for line in parcel.lines]
        if parcel.verb is not None:
            message |= {"verb": parcel.verb.name, "arguments": parcel.verb.pack(parcel.arguments)}
        parcel.content = wire.dumps(message)
        self._queue.append(parcel)

    def _send(self, parcel: Parcel) -> None:
        try:
            said = wire.loads(self._line.post(PATH, parcel.content))
        except Refusal as exc:
            _log.error("A batch of %d rows was refused: %s", len(parcel.rows), exc)
            parcel.failure = exc
        else:
            raised = said.get("raised")
            parcel.failure = exception_of(*raised) if raised else None
            parcel.answer = said.get("answer")
        parcel.done = True
