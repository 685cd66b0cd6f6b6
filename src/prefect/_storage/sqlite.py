"""SQLite: connections, locking, and what an error of it means.

One write connection a process, guarded by a lock: a second thread waits for the lock, a second process waits in
`BEGIN IMMEDIATE` for the file's (up to `BUSY_SECONDS`). Readers have connections of their own and, in WAL mode,
never wait for a writer.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from prefect._storage import migrate
from prefect._storage.leading import Leases
from prefect._storage.listening import ChangeListener, PollingListener, notify
from prefect._storage.protocol import Size
from prefect._storage.together import Together
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from prefect._storage.bulk import SqliteBulk
    from prefect._storage.protocol import Transaction

    Row = tuple[Any, ...]

BUSY_SECONDS = 120.0
MINIMUM_VERSION = (3, 37)
MEMORY = ":memory:"
T = TypeVar("T")


_SIZES = (1, 2, 4, 16, 64, 256, 1024)
_MOST_VARIABLES = 32_000


class Connection(sqlite3.Connection):
    """A connection, and what a transaction offers besides `execute`."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query."""
        return self.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        return self.execute(sql, parameters).fetchone()

    def for_update(self, of: str, *, skip_locked: bool = False) -> str:
        """Nothing: a write transaction holds the whole file."""
        _ = of, skip_locked
        return ""

    def for_share(self, of: str) -> str:
        """Nothing, as above."""
        _ = of
        return ""

    def used_bytes(self) -> int:
        """The size of the file without the pages that are free for new rows."""
        pages, free, size = (
            self.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def insert_many(self, head: str, tail: str, rows: Sequence[Row], width: int) -> None:
        """Insert many rows in few statements.

        A statement of many rows is one trip into SQLite: each trip gives the interpreter lock away, and under a
        busy main thread costs the writer up to 5 ms to get it back. The sizes are few, so that statements are
        prepared once; what does not fill one is padded with NULL rows, which the WHERE leaves out.
        """
        row = "(" + ",".join("?" * width) + ")"
        start = 0
        while start < len(rows):
            size = next((s for s in _SIZES if s >= len(rows) - start), _SIZES[-1])
            size = min(size, _MOST_VARIABLES // width)
            chunk = rows[start : start + size]
            start += size
            values: list[Any] = [value for one in chunk for value in one]
            if len(chunk) < size:
                values.extend([None] * (width * (size - len(chunk))))
            self.execute(
                f"{head} SELECT * FROM (VALUES {','.join([row] * size)}) WHERE column1 IS NOT NULL {tail}",  # noqa: S608
                values,
            )


class SqliteStore:
    """A store in one SQLite file. Safe to use from many threads, and from many processes at once."""

    blocks = False

    def __init__(self, path: str, *, migrate_on_start: bool = True, any_version: bool = False) -> None:
        """Open the file, made if there is none.

        Args:
            path: the file, or `:memory:`.
            migrate_on_start: bring an older file to this package's version; else refuse it.
            any_version: take it as it is, to look at it or to upgrade it.

        Raises:
            StoreError: it cannot be opened, or has a version that this package does not take.
        """
        _require_version()
        self.path = self.name = path
        self._lock = threading.RLock()
        self._together = Together(self)
        self._readers: deque[Connection] = deque()
        self._writer = self._connect()
        self._watcher: Connection | None = None
        self._leases = Leases(self)
        self._close_listeners: WeakSet[ChangeListener] = WeakSet()
        if not any_version:
            with self._explained():
                self._prepare(migrate_on_start)

    @contextmanager
    def write(self) -> Generator[Connection, None, None]:
        """A transaction: committed when the block ends, rolled back when it raises. Nested blocks join the outer one.

        Raises:
            StoreError: the file cannot be written; nothing of the block was kept.
        """
        with self._lock:
            if self._writer.in_transaction:
                yield self._writer
                return
            try:  # `_explained`, without the generator: this is on the way of every call
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as exc:
                self._roll_back()
                if isinstance(exc, sqlite3.Error):
                    raise explain(exc, self.path) from exc
                raise

    def _roll_back(self) -> None:
        with self._explained():
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")

    def together(self, work: Callable[[Transaction], T]) -> T:
        """See `Store.together`."""
        return self._together.write(work)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query, on a reader's connection.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._explained():
            if self.path == MEMORY:
                with self._lock:
                    return self._writer.execute(sql, parameters).fetchall()
            try:
                reader = self._readers.pop()
            except IndexError:
                reader = self._connect()
            try:
                return reader.execute(sql, parameters).fetchall()
            finally:
                self._readers.append(reader)

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def changed_elsewhere(self) -> int:
        """A number that changes when another connection has written to the file (`PRAGMA data_version`)."""
        with self._lock:
            return int(self._writer.execute("PRAGMA data_version").fetchone()[0])

    def changed(self) -> int:
        """See `Store.changed`: what is committed counts on a connection that never writes."""
        with self._explained():
            if self.path == MEMORY:
                return self._writer.total_changes
            if self._watcher is None:
                with self._lock:
                    self._watcher = self._watcher or self._connect()
            return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])

    def locked(self) -> threading.RLock:
        """The lock that every writer of this process takes."""
        return self._lock

    def close(self) -> None:
        """Close every connection. Uncommitted work is rolled back by SQLite."""
        with self._lock:
            with suppress(StoreError, sqlite3.Error):  # or they run out
                self._leases.release()
            while self._readers:
                self._readers.pop().close()
            if self._watcher is not None:
                self._watcher.close()
            self._writer.close()

    def abandon(self) -> None:
        """In a forked child: forget the parent's connections without touching them (SQLite forbids their use)."""
        self._lock = threading.RLock()
        self._together = Together(self)
        self._leases = Leases(self)
        watchers = () if self._watcher is None else (self._watcher,)
        _abandoned.append((self._writer, *watchers, *self._readers))
        self._watcher = None
        self._readers = deque()

    def _connect(self) -> Connection:
        if self.path != MEMORY:
            try:
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            except OSError as exc:
                raise StoreError(
                    f"The folder of the store {self.path} cannot be made ({exc.strerror}). "
                    "Make it, or set PREFECT_HOME elsewhere."
                ) from exc
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
                factory=Connection,
            )
            # NORMAL: a commit survives the death of the process without waiting for the disk
            connection.execute("PRAGMA synchronous = NORMAL")
            # a checkpoint waits for the disk: rather one of 16 MB than four of 4 MB
            connection.execute("PRAGMA wal_autocheckpoint = 4096")
        except sqlite3.Error as exc:
            raise explain(exc, self.path) from exc
        return connection

    def _prepare(self, migrate_on_start: bool) -> None:
        version = self.version()
        if version == migrate.newest():
            return
        if migrate_on_start or version > migrate.newest():
            self.upgrade()
        else:
            raise StoreError(migrate.too_old(self.path, version))

    def version(self) -> int:
        """The schema version of the file; 0 for an empty one."""
        with self._explained():
            return migrate.version_of(self._writer)

    def upgrade(self) -> list[migrate.Migration]:
        """Bring the file to this package's version; what was applied, in order.

        Raises:
            StoreError: it cannot be written, or was written by a newer version of this package.
        """
        with self._lock, self._explained():
            if self.version() < migrate.newest():
                self._writer.execute("PRAGMA journal_mode = WAL")
            return migrate.upgrade(migrate.SqliteSchema(self._writer), self.path)

    def leads(self, name: str) -> bool:
        """See `Store.leads`: a lease, renewed at every other call or so."""
        return self._leases.held(name)

    def notify(self, channel: str, payload: str = "") -> None:
        """See `Store.notify`."""
        with self.write() as cx:
            notify(cx, channel, payload)

    def listen(self, channel: str) -> PollingListener:
        """See `Store.listen`: looks 20 times a second."""
        return PollingListener(self, channel)

    def listen_closely(self, channel: str) -> ChangeListener:
        """See `Store.listen_closely`: looks 250 times a second where the kernel does not tell of writes."""
        _ = channel
        listener = ChangeListener(self.changed, None if self.path == MEMORY else f"{self.path}-wal")
        self._close_listeners.add(listener)
        return listener

    def stir(self) -> None:
        """See `Store.stir`."""
        for listener in tuple(self._close_listeners):
            listener.look()

    def database(self) -> str:
        """The version of SQLite."""
        return f"SQLite {sqlite3.sqlite_version}"

    def tables(self) -> list[str]:
        """The names of the tables."""
        return [
            name for (name,) in self.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        ]

    def size(self) -> Size:
        """The sizes of the file, of its free pages and of its log."""
        page, free, count = (
            int(self.rows(f"PRAGMA {name}")[0][0]) for name in ("page_size", "freelist_count", "page_count")
        )
        total = page * count if self.path == MEMORY else _size_of(self.path)
        return Size(total, page * free, _size_of(f"{self.path}-wal"))

    @contextmanager
    def bulk(self, *, write: bool) -> Generator[SqliteBulk, None, None]:
        """See `Store.bulk`. Not for a store in memory, which has one connection."""
        from prefect._storage.bulk import SqliteBulk  # start-up: only copies need it

        with self._explained(), closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            yield SqliteBulk(connection)  # what raises is rolled back by the end of the connection
            connection.execute("COMMIT")

    def problems(self) -> list[str]:
        """What is wrong with the file, as SQLite finds by reading all of it; empty if nothing is."""
        return [text for (text,) in self.rows("PRAGMA quick_check") if text != "ok"]

    def vacuum(self) -> None:
        """Give free pages back to the file system. Needs as much free space as the store has rows."""
        with self._lock, self._explained():
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise explain(exc, self.path) from exc


_abandoned: list[tuple[Connection, ...]] = []

_MEANINGS: tuple[tuple[str, str], ...] = (
    ("disk is full", "The disk is full. Free some space; everything committed before is safe."),
    ("readonly", "The file or its folder is read-only. Make it writable, or set PREFECT_HOME elsewhere."),
    ("read-only", "The file or its folder is read-only. Make it writable, or set PREFECT_HOME elsewhere."),
    ("unable to open", "Its folder is missing or read-only. Mend that, or set PREFECT_HOME elsewhere."),
    ("not a database", "The file is not a database. Move it away; a new one is made at the next start."),
    ("malformed", "The file is damaged. Copy it, then try `sqlite3 FILE .recover`, or move it away."),
    ("locked", f"Another process kept the file locked for over {BUSY_SECONDS:.0f} s. Find it and end it."),
    ("disk i/o", "The disk failed. Check it; everything committed before is safe if the file is."),
)


def explain(exc: sqlite3.Error, path: str) -> StoreError:
    """What a database error means to a person, and what to do."""
    text = str(exc)
    for sign, meaning in _MEANINGS:
        if sign in text.lower():
            return StoreError(f"The store {path} failed ({text}). {meaning}")
    return StoreError(f"The store {path} failed: {text}")


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _require_version() -> None:
    if sqlite3.sqlite_version_info < MINIMUM_VERSION:
        raise StoreError(
            f"Expected SQLite {'.'.join(map(str, MINIMUM_VERSION))} or newer, got {sqlite3.sqlite_version}. "
            "Use a Python that is built with a newer one."
        )
