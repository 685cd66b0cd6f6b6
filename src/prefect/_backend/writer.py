"""The journal: an in-memory queue of task runs and log lines, and the group commit that empties it.

A producer appends and goes on (about 0.2 µs). Whoever holds the store's lock empties the queue into one
transaction: usually the writer thread, soon after something was put; a flow run that reaches its end, a durable
task or a full queue do it themselves, at once, without waking another thread. Order is kept, nothing is dropped:
if the disk refuses, rows stay queued, and the producers are told at the next barrier.

A task run is queued as a cell: an object whose `now` is replaced as a whole at each transition. Several
transitions between two commits become one row.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from prefect._base.faultpoint import reach
from prefect._storage import logs, task_runs
from prefect.exceptions import StoreError
from prefect.model.records import LogRecord, TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from prefect._storage.protocol import Store, Transaction

    Observer = Callable[[Sequence[TaskRunRecord], Sequence[LogRecord]], None]

LINGER_SECONDS = 0.004  # what is put while the writer waits this long shares its commit
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


class Journal:
    """The queue and its writer thread, for one store in one process."""

    def __init__(self, store: Store, keepers: Sequence[Keeper], *, max_rows: int) -> None:
        self._store = store
        self._keepers = keepers
        self._max_rows = max_rows
        self._cells: deque[Cell] = deque()
        self._logs: deque[LogRecord] = deque()
        self._observers: list[Observer] = []
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
        if self._cells or self._logs:
            with self.transaction():
                pass
        else:
            with self._store.locked():  # whoever is writing just now may hold rows that were put before
                pass

    @contextlib.contextmanager
    def transaction(self) -> Generator[Transaction, None, None]:
        """A transaction that begins with everything queued, so that the caller's writes land after it, with it."""
        cells: list[Cell] = []
        lines: list[LogRecord] = []
        with self._store.locked():
            try:
                with self._store.write() as cx:
                    cells, lines = _take(self._cells), _take(self._logs)
                    self._write(cx, cells, lines)
                    yield cx
                    reach("journal.before_commit")
            except BaseException:
                self._put_back(cells, lines)
                raise
            reach("journal.after_commit")
            self._tell(cells, lines)

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
            with self._store.locked():
                self._announce(rows, lines)

    def start(self) -> None:
        """Start the writer thread, once."""
        with self._store.locked():
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
                    time.sleep(LINGER_SECONDS)
                    self.commit()
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

    def _write(self, cx: Transaction, cells: Sequence[Cell], lines: Sequence[LogRecord]) -> None:
        for cell in cells:
            cell.queued = False  # before its columns are read: a transition from here on queues it again
        if cells:
            task_runs.upsert(cx, _not_fenced(cx, [cell.fixed + cell.now for cell in cells]))
        if lines:
            logs.insert(cx, lines)

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


_FLOW_RUN_ID = TaskRunRecord._fields.index("flow_run_id")
_ATTEMPT = TaskRunRecord._fields.index("attempt")


def _not_fenced(cx: Transaction, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows whose attempt is still the flow run's; the others come too late and are refused (design, section 3)."""
    attempts = {(row[_FLOW_RUN_ID], row[_ATTEMPT]) for row in rows}
    stale: set[tuple[bytes, int]] = set()
    for flow_run_id, attempt in attempts:
        if flow_run_id is not None:
            asked = "SELECT attempt FROM flow_run WHERE id = ?" + cx.for_share("flow_run")
            found = cx.execute(asked, (flow_run_id,)).fetchone()
            if found is None or found[0] != attempt:
                stale.add((flow_run_id, attempt))
    if not stale:
        return rows
    kept = [row for row in rows if (row[_FLOW_RUN_ID], row[_ATTEMPT]) not in stale]
    _log.warning(
        "Refused %d late task run rows of a superseded attempt or a deleted flow run", len(rows) - len(kept)
    )
    return kept
