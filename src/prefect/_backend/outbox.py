"""What goes to the server in order: numbered batches of rows and log lines, some with a verb that wants an answer.

A batch is closed once, under its number, and sent until it is acknowledged; the server writes a number once. So
everything that a process writes arrives in the order in which it was written, exactly once. While the server is away
batches wait here, then in a file (see `spill`): when there are too many, at a barrier, and when the process ends.
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
from prefect._backend.spill import Entry, SpillFile, put_aside
from prefect._backend.verbs import exception_of
from prefect.model.records import TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from prefect._backend.line import Line
    from prefect._backend.verbs import Verb
    from prefect.model.records import LogRecord

    Row = tuple[Any, ...]
    Answered = tuple[Any, BaseException | None]

_log = logging.getLogger("prefect.journal")
MOST_ROWS = 1000  # in one batch
MOST_BYTES = 1_000_000
_ROWS, _LINES = wire.packer(wire.many(wire.TASK_RUN)), wire.packer(wire.many(wire.LOG))
_RESULT, _DETAIL = TaskRunRecord._fields.index("result"), TaskRunRecord._fields.index("detail")
PATH = "/pluperfect/batches"


class Parcel:
    """A batch; open until it is given its number."""

    __slots__ = ("_entry", "answer", "arguments", "done", "failure", "lines", "rows", "verb", "weight")

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()
        self.lines: Sequence[LogRecord] = ()
        self.verb: Verb | None = None
        self.arguments: dict[str, Any] = {}
        self.weight = 0
        self._entry: Entry | None = None
        self.done = False
        self.answer: Any = None
        self.failure: BaseException | None = None

    def ask(self, verb: Verb, arguments: dict[str, Any]) -> None:
        """Have the server carry out a verb, after it has written the rows."""
        self.verb, self.arguments = verb, arguments

    def close(self, number: int, content: bytes) -> None:
        """It has got its number, and is what is sent from now on."""
        self.weight = len(self.rows) + len(self.lines)
        self._entry = Entry(number, self.weight, content)
        self.rows = self.lines = ()

    def entry(self) -> Entry:
        """What is sent."""
        assert self._entry is not None
        return self._entry


class Outbox:
    """See `prefect._backend.writer.Sink`.

    Args:
        line: to the server.
        name: of this process's file.
        folder: of such files.
        sender: what a batch says of the process that sends it.
        max_rows: how many rows may wait in memory.
    """

    def __init__(
        self, line: Line, name: str, folder: Path, sender: Callable[[], dict[str, Any]], *, max_rows: int
    ) -> None:
        self._line = line
        self._name = name
        self._folder = folder
        self._sender = sender
        self._max_rows = max_rows
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        self._queue: deque[Parcel] = deque()
        self._file: SpillFile | None = None  # what is in it comes before the queue
        self._asked: dict[int, Parcel] = {}  # whose answers somebody waits for
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
        """Send what waits. While the server is away, a barrier is passed once it is in the file.

        Raises:
            StoreError: the server is away, and the file cannot be written.
        """
        try:
            self.deliver()
        except Away:
            if barrier or self.weight() > self._max_rows:
                self._spill()

    def answer_of(self, parcel: Parcel, *, patience: float | None = None) -> Any:
        """What the server answers to a batch, waiting for it.

        Args:
            parcel: the batch.
            patience: seconds to wait at the longest; None for the line's own.

        Raises:
            Away: it did not answer for as long as patience lasts; the batch is still sent when it is back.
            Exception: what the verb raised.
        """
        deadline = self._line.deadline(patience)
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
            Away: the server does not answer, or is to be left alone yet.
        """
        with self._sending:
            while not (until is not None and until.done) and (entry := self._first()) is not None:
                self._line.require_turn()
                self._done(entry, post(self._line, entry, self._folder))

    def seconds_to_next(self) -> float | None:
        """When `tick` has something to send."""
        return max(0.01, self._line.seconds_to_next_try()) if self._queue or self._file is not None else None

    def tick(self) -> None:
        """Send what waits, if it is time to."""
        self.settle(barrier=False)

    def weight(self) -> int:
        """How many rows and lines wait in memory."""
        with self._lock:
            return sum(parcel.weight for parcel in self._queue)

    def drain(self, seconds: float) -> None:
        """Send what waits, also if that takes a while: at most `seconds`, where the server is away."""
        deadline = self._line.deadline(seconds)
        while self._queue or self._file is not None:
            self._line.wait(deadline)
            try:
                self.deliver()
            except Away:
                if time.monotonic() >= deadline:
                    return

    def close(self) -> None:
        """What is left stays in the file, for whoever comes next. Raises StoreError where it cannot be written."""
        with self._lock:
            if self._queue:
                self._spill()
            if self._file is not None:
                _log.warning(
                    "%d rows could not be delivered to %s. They wait in %s; the next process with this "
                    "PREFECT_API_URL delivers them.",
                    self._file.weight,
                    self._line.access.url,
                    self._file.path,
                )
                self._file.close()
                self._file = None

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""
        if self._file is not None:
            self._file.abandon()

    def _close(self, parcel: Parcel) -> None:
        """Give it its number, and put it into the queue; what is too large goes in several."""
        while (rows := _fitting(parcel.rows)) < len(parcel.rows) or len(parcel.lines) > MOST_ROWS:
            part = Parcel()
            part.rows, parcel.rows = parcel.rows[:rows], parcel.rows[rows:]
            part.lines, parcel.lines = parcel.lines[:MOST_ROWS], parcel.lines[MOST_ROWS:]
            self._enqueue(part)
        if parcel.rows or parcel.lines or parcel.verb is not None:
            self._enqueue(parcel)

    def _enqueue(self, parcel: Parcel) -> None:
        self._last += 1
        message: dict[str, Any] = {"number": self._last, **self._sender()}
        if parcel.rows:
            message["rows"] = _ROWS(parcel.rows)
        if parcel.lines:
            message["logs"] = _LINES(parcel.lines)
        if parcel.verb is not None:
            message |= {"verb": parcel.verb.name, "arguments": parcel.verb.pack(parcel.arguments)}
            self._asked[self._last] = parcel
        parcel.close(self._last, wire.dumps(message))
        self._queue.append(parcel)

    def _first(self) -> Entry | None:
        with self._lock:
            if self._file is not None:
                return self._file.first()
            return self._queue[0].entry() if self._queue else None

    def _done(self, entry: Entry, said: Answered) -> None:
        with self._lock:
            parcel = self._asked.pop(entry.number, None)
            if parcel is not None:
                parcel.answer, parcel.failure = said
                parcel.done = True
            if self._file is None:
                self._queue.popleft()
                return
            self._file.drop()
            if self._file.is_empty():
                self._file.remove()
                self._file = None

    def _spill(self) -> None:
        """Move everything that waits in memory into the file."""
        with self._lock:
            if self._queue and self._file is None:
                self._file = SpillFile.make(self._folder, self._name, self._line.access.url)
            while self._queue and self._file is not None:
                self._file.append(self._queue[0].entry())
                self._queue.popleft()


def _fitting(rows: Sequence[Row]) -> int:
    """How many of the rows go into one batch: by their number, and by the size of the results in them."""
    size = 0
    for number, row in enumerate(rows[:MOST_ROWS]):
        size += len(row[_RESULT] or b"") + len(row[_DETAIL] or "")
        if size > MOST_BYTES and number:
            return number
    return min(len(rows), MOST_ROWS)


def post(line: Line, entry: Entry, folder: Path) -> Answered:
    """Send one batch; what its verb has answered or raised. One that is refused for good is put aside in `folder`.

    Raises:
        Away: the server does not answer.
    """
    try:
        said = wire.loads(line.post(PATH, entry.content))
    except Refusal as exc:
        kept = put_aside(folder, entry, line.access.url)
        _log.error("A batch with %d rows was refused, and is kept in %s. %s", entry.weight, kept, exc)
        return None, exc
    raised = said.get("raised")
    return said.get("answer"), exception_of(*raised) if raised else None
