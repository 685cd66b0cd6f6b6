"""A connection to Postgres, and the one of them that writes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage.postgres_adapters import adapters
from prefect._storage.postgres_driver import pq, psycopg
from prefect._storage.postgres_errors import Undecided
from prefect._storage.postgres_url import libpq_url
from prefect._storage.pruning import first_id_at
from prefect.exceptions import ConfigurationError, StoreError

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

# Tables of the same names may be in the database: those of Prefect itself, whose URL people have in their settings.
SCHEMA = "pluperfect"
MINIMUM_VERSION = 130_000
_DEFAULTS = {
    "application_name": "pluperfect",
    # a dead network is noticed within half a minute, not after the hours that TCP allows
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_MARK = "commit."  # ids follow, which begin with their time
_KEPT_US = 86_400_000_000
_STATEMENTS = 400  # prepared at most, a connection


class Address(NamedTuple):
    """Where a store is, and for how many seconds (None: any number) it may connect, and work at a statement."""

    url: str
    connect_seconds: float | None = 5.0
    statement_seconds: float | None = 10.0

    def connect(self) -> Connection:
        """A new connection, in autocommit, that finds the tables by their names.

        Raises:
            psycopg.Error: nobody answers there, or refuses.
            ConfigurationError: the URL is not understood.
            StoreError: the server is too old.
        """
        connection: Connection = psycopg.connect(
            self._info(), autocommit=True, prepare_threshold=3, context=adapters()
        )
        version = connection.info.server_version
        if version < MINIMUM_VERSION:
            connection.close()
            raise StoreError(
                f"Expected PostgreSQL {MINIMUM_VERSION // 10_000} or newer, got version {version // 10_000}. "
                "Upgrade it, or name another one in PREFECT_API_DATABASE_CONNECTION_URL."
            )
        connection.prepared_max = _STATEMENTS
        milliseconds = round((self.statement_seconds or 0) * 1000)
        # who stops in a transaction loses its locks before those who wait for them give up; it may go on, see
        # `postgres_transaction`
        connection.execute(
            f"SET search_path = {SCHEMA}; SET statement_timeout = {milliseconds:d}; "
            f"SET idle_in_transaction_session_timeout = {milliseconds // 2:d}".encode()
        )
        return connection

    def _info(self) -> str:
        try:
            given = conninfo_to_dict(libpq_url(self.url))
        except (psycopg.ProgrammingError, ValueError) as exc:
            raise ConfigurationError(
                "PREFECT_API_DATABASE_CONNECTION_URL: expected postgresql://user:password@host:port/name, "
                f"got what libpq does not take ({str(exc).strip()})."
            ) from exc
        timeout = (
            {"connect_timeout": str(max(2, round(self.connect_seconds)))} if self.connect_seconds else {}
        )
        return make_conninfo("", **{**_DEFAULTS, **timeout, **given})


class Link:
    """The connection that writes, made again when it is lost. Not safe for threads: the store's lock guards it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: Connection | None = None
        self._pid = 0
        self._number = ""  # of the open transaction
        self._mark = f"{_MARK}{new_id().hex()}"
        self._count = 0  # of transactions

    def begin(self) -> Connection:
        """Open a transaction, on a new connection where the old one is lost. Raises psycopg.Error."""
        connection = self._usable()
        cursor = connection.execute(b"BEGIN; SELECT pg_current_xact_id()::text", prepare=False)
        cursor.nextset()
        row = cursor.fetchone()
        assert row is not None
        self._number = row[0]
        self._count += 1
        return connection

    def commit(self) -> None:
        """Ask for the end of the open transaction, and leave a mark that tells whether there was one."""
        assert self._connection is not None
        self._connection.execute(
            f"INSERT INTO meta (key, value) VALUES ('{self._mark}', '{self._count}') "  # noqa: S608 - both ours
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value; COMMIT".encode(),
            prepare=False,
        )

    def ended(self) -> None:
        """The transaction is committed or rolled back."""
        self._number = ""

    def was_committed(self) -> bool:
        """What became of the open transaction, whose COMMIT nobody answered.

        Raises:
            Undecided: it is still open.
            psycopg.Error: nobody answers.
        """
        asked = (
            "SELECT pg_xact_status(%s::text::xid8), EXISTS (SELECT 1 FROM meta WHERE key = %s AND value = %s)"
        )
        try:
            row = self._usable().execute(asked, (self._number, self._mark, str(self._count))).fetchone()
        except psycopg.errors.InvalidParameterValue:
            return False  # "in the future": a crash has forgotten the number, and it is nobody's yet
        status, marked = row or (None, False)
        if status == "in progress":
            raise Undecided("a transaction whose connection was lost has not ended yet")
        # a crash forgets the number of a transaction that was on no disk yet, and another one may have been given it
        return status == "committed" and marked

    def rollback(self) -> None:
        """Give up the transaction; a connection that does not take even that is closed."""
        connection, self._number = self._connection, ""
        if connection is None or connection.closed:
            return
        try:
            connection.execute(b"ROLLBACK", prepare=False)
        except psycopg.Error:
            connection.close()

    def close(self) -> None:
        """Close the connection; what was not committed is not kept."""
        if self._connection is not None:
            self._forget_mark(self._connection)
            self._connection.close()
            self._connection = None

    def _forget_mark(self, connection: Connection) -> None:
        """Nobody will ask for it, nor for those of processes that were killed long ago."""
        old = first_id_at(now_us() - _KEPT_US).hex()
        with suppress(psycopg.Error):
            connection.execute(
                "DELETE FROM meta WHERE key = %s OR key >= %s AND key < %s",
                (self._mark, _MARK, f"{_MARK}{old}"),
            )

    def abandon(self) -> None:
        """In a forked child: forget the connection without touching it."""
        if self._connection is not None:
            abandoned.append(self._connection)
            self._connection = None

    def _usable(self) -> Connection:
        connection = self._connection
        if connection is None or connection.closed:
            connection = self._connect_again()
        elif connection.info.transaction_status != pq.TransactionStatus.IDLE:
            connection.execute(b"ROLLBACK", prepare=False)
        return connection

    def _connect_again(self) -> Connection:
        """A new connection. The session of the lost one may not know that it is lost: it would keep its locks."""
        made = self._address.connect()
        if self._number:
            made.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid = %s AND backend_xid = (%s::text::xid8)::xid",
                (self._pid, self._number),
            )
        self._connection, self._pid = made, made.info.backend_pid
        return made


abandoned: list[Connection] = []  # a parent's: to close one would end it for the parent
