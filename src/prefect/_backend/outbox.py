"""What goes to the server in order: numbered batches of rows and log lines, some with a verb that wants an answer.

A batch is closed once, under its number, and sent until it is acknowledged; the server writes a number once. So
everything that a process writes arrives in the order in which it was written, exactly once. See `backlog` for how
batches wait while the server is away.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from prefect._backend import wire
from prefect._backend.backlog import Backlog
from prefect._backend.line import Away, Refusal
from prefect._backend.spill import Entry, put_aside
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

    __slots__ = ("answer", "arguments", "done", "failure", "lines", "rows", "verb")

    def __init__(self) -> None:
        self.rows: Sequence[Row] = ()
        self.lines: Sequence[LogRecord] = ()
        self.verb: Verb | None = None
        self.arguments: dict[str, Any] = {}
        self.done = False
        self.answer: Any = None
        self.failure: BaseException | None = None

    def ask(self, verb: Verb, arguments: dict[str, Any]) -> None:
        """Have the server carry out a verb, after it has written the rows."""
        self.verb, self.arguments = verb, arguments


class Outbox(Backlog):
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
        super().__init__(line, name, folder, max_rows=max_rows)
        self._sender = sender
        self._asked: dict[int, Parcel] = {}  # whose answers somebody waits for

    @property
    def linger_seconds(self) -> float:
        """A request costs a millisecond, so more rows share it; an absent server is asked when its time has come."""
        return 0.02 + min(1.0, self._line.seconds_to_next_try())

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
                self.deliver(lambda: parcel.done)
            except Away:
                if time.monotonic() >= deadline:
                    raise
        if parcel.failure is not None:
            raise parcel.failure
        assert parcel.verb is not None
        return parcel.verb.answer.unpack(parcel.answer)

    def send(self, entry: Entry) -> Answered:
        """See `Backlog`."""
        return post(self._line, entry, self._folder)

    def sent(self, entry: Entry, said: Answered) -> None:
        """Give the answer to who waits for it."""
        parcel = self._asked.pop(entry.number, None)
        if parcel is not None:
            parcel.answer, parcel.failure = said
            parcel.done = True

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
        number = self._last + 1
        message: dict[str, Any] = {"number": number, **self._sender()}
        if parcel.rows:
            message["rows"] = _ROWS(parcel.rows)
        if parcel.lines:
            message["logs"] = _LINES(parcel.lines)
        if parcel.verb is not None:
            message |= {"verb": parcel.verb.name, "arguments": parcel.verb.pack(parcel.arguments)}
            self._asked[number] = parcel
        self.enqueue(len(parcel.rows) + len(parcel.lines), wire.dumps(message))
        parcel.rows = parcel.lines = ()


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
