"""A store in Postgres: the same statements, the same promises, for many machines.

One connection of a process writes, guarded by a lock; readers have a small pool of their own. A connection that is
lost is made again, and nothing that was being done is lost or done twice (`postgres_transaction`).
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from prefect._storage import migrate
from prefect._storage.postgres_driver import psycopg
from prefect._storage.postgres_errors import PATIENCE_SECONDS, Patience, explain
from prefect._storage.postgres_link import SCHEMA, Address, Link, abandoned
from prefect._storage.postgres_session import Leadership, PostgresListener, notify
from prefect._storage.postgres_transaction import PostgresTransaction
from prefect._storage.postgres_url import shown_url
from prefect._storage.protocol import Size
from prefect._storage.sql import for_postgres
from prefect._storage.together import Together
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from prefect._storage.postgres_bulk import PostgresBulk
    from prefect._storage.postgres_link import Connection
    from prefect._storage.protocol import Transaction

    Row = tuple[Any, ...]

T = TypeVar("T")
OPENING_SECONDS: Final = 30.0  # a database that starts together with us may take so long


class PostgresStore:
    """A store in one Postgres database, in a schema of its own. Safe for many threads, processes and machines."""

    blocks = True

    def __init__(
        self,
        url: str,
        *,
        migrate_on_start: bool = True,
        any_version: bool = False,
        kept_readers: int = 5,
        more_readers: int = 10,
        connect_seconds: float | None = 5.0,
        statement_seconds: float | None = 10.0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Connect, and make the tables if there are none.

        Args:
            url: `postgresql://user:password@host:port/name`, in any of its spellings.
            migrate_on_start: bring older tables to this package's version; else refuse them.
            any_version: take them as they are, to look at them or to upgrade them.
            kept_readers: connections for reading that stay open.
            more_readers: how many more are made at need.
            connect_seconds: until connecting is given up; None: never.
            statement_seconds: until a statement is given up; None: never.
            patience_seconds: how long a database that does not answer is waited for.

        Raises:
            StoreError: it cannot be opened, or has a version that this package does not take.
            ConfigurationError: the URL is not understood, or psycopg is not installed.
        """
        self.name = shown_url(url)
        self._address = Address(url, connect_seconds, statement_seconds)
        self._patience = Patience(self.name, min(OPENING_SECONDS, patience_seconds))
        self._lock = threading.RLock()
        self._together = Together(self)
        self._link = Link(self._address)
        self._leadership = Leadership(self._address)
        self._transaction: PostgresTransaction | None = None
        self._kept = max(1, kept_readers)
        self._most = self._kept + more_readers
        self._new_pool()
        try:
            if not any_version:
                self._prepare(migrate_on_start)
        except BaseException:
            self.close()
            raise
        self._patience.seconds = patience_seconds

    def _new_pool(self) -> None:
        self._idle: deque[Connection] = deque()
        self._free = threading.BoundedSemaphore(self._most)

    # --- writing ------------------------------------------------------------------------------------

    @contextmanager
    def write(self) -> Generator[PostgresTransaction, None, None]:
        """A transaction: committed when the block ends, rolled back when it raises. Nested blocks join the outer one.

        Raises:
            StoreError: it cannot be written; nothing of the block was kept.
        """
        with self._lock:
            if self._transaction is not None:
                yield self._transaction
                return
            with self._explained():
                transaction = PostgresTransaction(self._link, self._patience)
                self._transaction = transaction
                try:
                    yield transaction
                    transaction.commit()
                except BaseException:
                    transaction.rollback()
                    raise
                finally:
                    self._transaction = None

    def locked(self) -> threading.RLock:
        """The lock that every writer of this process takes."""
        return self._lock

    # --- reading ------------------------------------------------------------------------------------

    def together(self, work: Callable[[Transaction], T]) -> T:
        """See `Store.together`."""
        return self._together.write(work)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query, on a reader's connection.

        Raises:
            StoreError: they cannot be read.
        """
        statement, values = for_postgres(sql), tuple(parameters)
        with self._explained():
            return self._patience.keep_trying(lambda: self._read(statement, values))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def _read(self, statement: bytes, values: tuple[Any, ...]) -> list[Row]:
        with self._free:
            try:
                reader = self._idle.pop()
            except IndexError:
                reader = self._address.connect()
            try:
                return reader.execute(statement, values, binary=True).fetchall()
            finally:
                self._give_back(reader)

    def _give_back(self, reader: Connection) -> None:
        """Keep a connection for the next one. After a broken one the others are no better."""
        if not reader.closed and len(self._idle) < self._kept:
            self._idle.append(reader)
            return
        if reader.closed:
            self._close_idle()
        reader.close()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def changed_elsewhere(self) -> int:
        """A number that changes when anybody has written to the database server (also this process)."""
        row = self.row("SELECT hashtextextended(pg_current_snapshot()::text, 0)")
        return int(row[0]) if row else 0

    def changed(self) -> int:
        """See `Store.changed`."""
        return self.changed_elsewhere()

    # --- several processes --------------------------------------------------------------------------

    def leads(self, name: str) -> bool:
        """See `Store.leads`: an advisory lock, on a connection of its own."""
        with self._explained():
            return self._leadership.held(name)

    def notify(self, channel: str, payload: str = "") -> None:
        """See `Store.notify`."""
        with self.write() as cx:
            notify(cx, channel, payload)

    def listen(self, channel: str) -> PostgresListener:
        """See `Store.listen`: on a connection of its own."""
        with self._explained():
            return self._patience.keep_trying(lambda: PostgresListener(self._address, channel))

    def listen_closely(self, channel: str) -> PostgresListener:
        """See `Store.listen_closely`."""
        return self.listen(channel)

    def stir(self) -> None:
        """See `Store.stir`: those who listen are told by the database."""

    # --- the schema ---------------------------------------------------------------------------------

    def version(self) -> int:
        """The schema version; 0 where there are no tables yet."""
        row = self.row("SELECT to_regclass(?) IS NOT NULL", (f"{SCHEMA}.{migrate.TABLE}",))
        if not row or not row[0]:
            return 0
        row = self.row(f"SELECT version FROM {migrate.TABLE}")  # noqa: S608 - a name of ours
        return int(row[0]) if row else 0

    def upgrade(self) -> list[migrate.Migration]:
        """Bring the tables to this package's version; what was applied, in order.

        Raises:
            StoreError: they cannot be written, or were written by a newer version of this package.
        """
        with self._explained(), self._patience.keep_trying(self._unhurried.connect) as connection:
            return migrate.upgrade(migrate.PostgresSchema(connection, SCHEMA), self.name)

    @property
    def _unhurried(self) -> Address:
        """For what may take its time: building an index, making the tables smaller."""
        return self._address._replace(statement_seconds=None)

    def _prepare(self, migrate_on_start: bool) -> None:
        version = self.version()
        if version == migrate.newest():
            return
        if migrate_on_start or version > migrate.newest():
            self.upgrade()
        else:
            raise StoreError(migrate.too_old(self.name, version))

    # --- what it is ---------------------------------------------------------------------------------

    def database(self) -> str:
        """The version of Postgres."""
        row = self.row("SHOW server_version")
        return f"PostgreSQL {row[0] if row else ''}"

    def tables(self) -> list[str]:
        """The names of the tables, without that of the schema's version."""
        found = self.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = ? AND tablename <> ? ORDER BY tablename",
            (SCHEMA, migrate.TABLE),
        )
        return [str(name) for (name,) in found]

    def size(self) -> Size:
        """The sizes of the tables with their indexes, and, by estimate, of what is free in them."""
        total = sum(
            int(size)
            for (size,) in self.rows(
                "SELECT pg_total_relation_size(oid) FROM pg_class "
                "WHERE relnamespace = to_regnamespace(?) AND relkind = 'r'",
                (SCHEMA,),
            )
        )
        with self.write() as cx:
            return Size(total, max(0, total - cx.used_bytes()), 0)

    @contextmanager
    def bulk(self, *, write: bool) -> Generator[PostgresBulk, None, None]:
        """See `Store.bulk`."""
        from prefect._storage.postgres_bulk import PostgresBulk  # start-up: only copies need it

        mode = "READ WRITE" if write else "ISOLATION LEVEL REPEATABLE READ, READ ONLY"
        with (
            self._explained(),
            self._patience.keep_trying(self._unhurried.connect) as connection,
            connection.transaction(),
        ):
            connection.execute(f"SET TRANSACTION {mode}".encode())
            yield PostgresBulk(connection)

    def vacuum(self) -> None:
        """Give the space of deleted rows back to the file system. Each table is locked while it is rewritten."""
        with self._explained(), self._patience.keep_trying(self._unhurried.connect) as connection:
            for table in self.tables():
                connection.execute(f"VACUUM FULL ANALYZE {table}".encode())

    def erase(self) -> None:
        """Remove the tables with everything in them."""
        with self._explained(), self._patience.keep_trying(self._unhurried.connect) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())

    # --- the end ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close every connection. Uncommitted work is rolled back by Postgres."""
        with self._lock:
            self._leadership.release()
            self._close_idle()
            self._link.close()

    def abandon(self) -> None:
        """In a forked child: forget the parent's connections without touching them."""
        abandoned.extend(self._idle)
        self._link.abandon()
        self._leadership.abandon()
        self._lock = threading.RLock()
        self._together = Together(self)
        self._transaction = None
        self._new_pool()

    @contextmanager
    def _explained(self) -> Generator[None, None, None]:
        try:
            yield
        except psycopg.Error as exc:
            raise explain(exc, self.name) from exc
