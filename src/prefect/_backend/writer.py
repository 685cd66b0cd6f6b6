"""The journal: an in-memory queue of task runs and log lines, and the group commit that empties it.

A producer appends and goes on (about 0.2 µs). Whoever holds the sink's lock empties the queue into one batch (a
transaction of the store here, a numbered request over HTTP): usually the writer thread, soon after something was
put; a flow run that reaches its end, a durable task or a full queue do it themselves, at once, without waking
another thread. Order is kept, nothing is dropped: if the disk refuses, rows stay queued, and the producers are told
at the next barrier.

A task run is queued as a cell: an object whose `now` is replaced as a whole at each transition. Several
transitions between two commits become one row.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from prefect._base.faultpoint import reach
from prefect.exceptions import StoreError
from prefect.model.records import LogRecord, TaskRunRecord

if TYPE_CHECKING:
    import threading as _threading
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractContextManager

    Row = tuple[Any, ...]
    Observer = Callable[[Sequence[TaskRunRecord], Sequence[LogRecord]], None]

Batch = TypeVar("Batch")
RETRY_SECONDS = 1.0  # after a commit that the disk refused
_log = logging.getLogger("prefect.journal")


class Cell(Protocol):
    """A task run on its way: the columns that stay, the columns that change, and whether it is queued."""

    fixed: tuple[Any, ...]
    now: tuple[Any, ...]
    queued: bool


class Keeper(Protocol):
    """What the writer thread does besides writing: leases and cancellations, or forgetting old runs."""

    def tick(self) -> None:
        """Do what is due."""
        ...

    def seconds_to_next(self) -> float | None:
        """When to call `tick` again; None for not before something is put."""
        ...


class Sink(Protocol[Batch]):
    """Where the journal writes: a store, or a server's batches. What it opens is what the caller's verb joins."""

    @property
    def linger_seconds(self) -> float:
        """What is put while the writer waits this long shares its batch."""
        ...

    def locked(self) -> _threading.RLock:
        """The lock under which batches follow each other."""
        ...

    def write(self) -> AbstractContextManager[Batch]:
        """A batch: on its way when the block ends, given up when it raises."""
        ...

    def record(self, batch: Batch, rows: Sequence[Row], lines: Sequence[LogRecord]) -> None:
        """Put rows of task runs and log lines into a batch."""
        ...

    def settle(self, *, barrier: bool) -> None:
        """Bring the batches that were closed where they are to go; with `barrier`, return when they are safe.

        Raises:
            StoreError: they are not; the rows are kept and tried again.
        """
        ...


class Journal(Generic[Batch]):
    """The queue and its writer thread, for one sink in one process."""

    def __init__(self, sink: Sink[Batch], keepers: Sequence[Keeper], *, max_rows: int) -> None:
        self._sink = sink
        self._keepers = keepers
        self._max_rows = max_rows
        self._cells: deque[Cell] = deque()
        self._logs: deque[LogRecord] = deque()
        self._observers: list[Observer] = []
        self.on_commit: Callable[[float], None] | None = None
        """Told after each batch how many seconds it took: the caller's writes in it, and getting it to the disk."""
        self._wake = threading.Event()
        self._idle = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, cell: Cell) -> None:
        """Queue a task run that is not queued yet. Blocks (and writes) only when the queue is full."""
        cell.queued = True
        self._cells.append(cell)
        if self._idle:
            self._wake.set()
        elif self._thread is None:
            self.start()
        elif len(self._cells) > self._max_rows:
            self.commit()

    def put_log(self, line: LogRecord) -> None:
        """Queue a log line. Blocks (and writes) only when the queue is full."""
        self._logs.append(line)
        if self._idle:
            self._wake.set()
        elif self._thread is None:
            self.start()
        elif len(self._logs) > self._max_rows:
            self.commit()

    def commit(self) -> None:
        """The barrier: everything put before is on disk when this returns.

        Raises:
            StoreError: the store refused; the rows stay queued and are tried again.
        """
        self._flush(barrier=True)

    def _flush(self, *, barrier: bool) -> None:
        if self._cells or self._logs:
            with self.transaction():
                pass
        else:
            with self._sink.locked():  # whoever is writing just now may hold rows that were put before
                pass
        self._sink.settle(barrier=barrier)

    @contextlib.contextmanager
    def transaction(self) -> Generator[Batch, None, None]:
        """A batch that begins with everything queued, so that the caller's writes land after it, with it."""
        cells: list[Cell] = []
        lines: list[LogRecord] = []
        with self._sink.locked():
            began = time.perf_counter()
            try:
                with self._sink.write() as batch:
                    cells, lines = _take(self._cells), _take(self._logs)
                    self._write(batch, cells, lines)
                    yield batch
                    reach("journal.before_commit")
            except BaseException:
                self._put_back(cells, lines)
                raise
            reach("journal.after_commit")
            if self.on_commit is not None:
                self.on_commit(time.perf_counter() - began)
            self._tell(cells, lines)

    @property
    def depth(self) -> int:
        """How many rows are queued."""
        return len(self._cells) + len(self._logs)

    def add_observer(self, observer: Observer) -> None:
        """Call `observer(task_rows, logs)` after each commit, in order."""
        self._observers.append(observer)

    def remove_observer(self, observer: Observer) -> None:
        """Stop calling it."""
        with contextlib.suppress(ValueError):
            self._observers.remove(observer)

    def tell(self, cell: Cell) -> None:
        """Let the observers know of a task run that another process has written."""
        self.announce([TaskRunRecord._make(cell.fixed + cell.now)], ())

    def announce(self, rows: Sequence[TaskRunRecord], lines: Sequence[LogRecord]) -> None:
        """Let the observers know of rows that were committed without the queue."""
        if self._observers:
            with self._sink.locked():
                self._announce(rows, lines)

    def start(self) -> None:
        """Start the writer thread, once."""
        with self._sink.locked():
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._run, name="prefect-journal", daemon=True)
                self._thread.start()

    def wake(self) -> None:
        """Let the keeper look at once."""
        self.start()
        self._wake.set()

    def close(self) -> None:
        """Write what is left and end the writer thread."""
        self._closed = True
        try:
            self.commit()
        finally:
            self._wake.set()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._closed:
            self._idle = True
            if not self._cells and not self._logs:
                self._wake.wait(self._seconds_to_next())
            self._idle = False
            self._wake.clear()
            try:
                if self._cells or self._logs:
                    time.sleep(self._sink.linger_seconds)
                    self._flush(barrier=False)
                for keeper in self._keepers:
                    keeper.tick()
            except StoreError as exc:
                _log.error("%s Rows are kept in memory and tried again.", exc)
                self._wake.wait(RETRY_SECONDS)
            except Exception:
                if not self._closed:
                    _log.exception("The journal's writer failed; it goes on")
                    self._wake.wait(RETRY_SECONDS)

    def _seconds_to_next(self) -> float | None:
        return min(filter(None, (keeper.seconds_to_next() for keeper in self._keepers)), default=None)

    def _write(self, batch: Batch, cells: Sequence[Cell], lines: Sequence[LogRecord]) -> None:
        for cell in cells:
            cell.queued = False  # before its columns are read: a transition from here on queues it again
        if cells or lines:
            self._sink.record(batch, [cell.fixed + cell.now for cell in cells], lines)

    def _tell(self, cells: Sequence[Cell], lines: Sequence[LogRecord]) -> None:
        if self._observers and (cells or lines):
            self._announce([TaskRunRecord._make(cell.fixed + cell.now) for cell in cells], lines)

    def _announce(self, rows: Sequence[TaskRunRecord], lines: Sequence[LogRecord]) -> None:
        for observer in tuple(self._observers):
            try:
                observer(rows, lines)
            except Exception:  # noqa: PERF203 - the others are told all the same
                _log.exception("An observer of the journal failed")

    def _put_back(self, cells: Sequence[Cell], lines: Sequence[LogRecord]) -> None:
        self._logs.extendleft(reversed(lines))
        for cell in reversed(cells):
            if not cell.queued:
                cell.queued = True
                self._cells.appendleft(cell)


def _take(queue: deque[Any]) -> list[Any]:
    """Everything queued just now; what other threads append meanwhile stays."""
    return [queue.popleft() for _ in range(len(queue))]
