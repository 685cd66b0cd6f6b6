"""A write transaction that outlives its connection.

What was said in it, and what the database answered, is kept until it is committed. When the connection is lost, or the
transaction was the victim of a deadlock, it is begun again and all of it is said again: where every answer is what it
was, whoever decided by them has decided rightly, and does not notice. Where one differs, nothing is written and the
caller is told.

A COMMIT without an answer is no guess either: the database knows what became of the transaction's number, and has the
mark that each transaction leaves. Both say committed: so it is done. Aborted, or no mark (a crash has forgotten the
transaction, and its number is another one's now): it is said again. Still open: its session is ended, and it is
asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefect._storage.postgres_driver import pq, psycopg
from prefect._storage.postgres_errors import is_conflict, is_outage
from prefect._storage.postgres_size import used_bytes
from prefect._storage.sql import for_postgres
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prefect._storage.postgres_errors import Patience
    from prefect._storage.postgres_link import Connection, Link

    Row = tuple[Any, ...]

_MOST_CONFLICTS: Final = 10


class Answer(NamedTuple):
    """How many rows a statement changed or gave, and those that it gave."""

    rowcount: int
    rows: list[Row]


class Said(NamedTuple):
    """A statement with its values, or (`many`) with a list of them, and its answer."""

    sql: bytes
    values: Sequence[Any]
    many: bool
    answer: Answer


class Cursor:
    """See `prefect._storage.protocol.Cursor`."""

    __slots__ = ("_left", "rowcount")

    def __init__(self, answer: Answer) -> None:
        self.rowcount = answer.rowcount
        self._left = iter(answer.rows)

    def fetchone(self) -> Row | None:
        """The next row, or None."""
        return next(self._left, None)

    def fetchall(self) -> list[Row]:
        """All rows that are left."""
        return list(self._left)

    def __iter__(self) -> Iterator[Row]:
        return self._left


class PostgresTransaction:
    """See `prefect._storage.protocol.Transaction`."""

    def __init__(self, link: Link, patience: Patience) -> None:
        self._link = link
        self._patience = patience
        self._said: list[Said] = []
        self._conflicts = 0
        self._connection: Connection = patience.keep_trying(link.begin)

    # --- what may be said ---------------------------------------------------------------------------

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """One statement."""
        return Cursor(self._say(for_postgres(sql), tuple(parameters), many=False))

    def insert_many(self, head: str, tail: str, rows: Sequence[Row], width: int) -> None:
        """`head VALUES (…) tail` for each of the rows, sent at once, without waiting for answers in between."""
        sql = for_postgres(f"{head} VALUES ({','.join('?' * width)}) {tail}")
        self._say(sql, tuple(rows), many=True)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query."""
        return self.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        return self.execute(sql, parameters).fetchone()

    def for_update(self, of: str, *, skip_locked: bool = False) -> str:
        """See `Transaction.for_update`."""
        return f" FOR UPDATE OF {of}{' SKIP LOCKED' if skip_locked else ''}"

    def for_share(self, of: str) -> str:
        """See `Transaction.for_share`."""
        return f" FOR SHARE OF {of}"

    def used_bytes(self) -> int:
        """See `Transaction.used_bytes`."""
        return used_bytes(self._connection)

    # --- how it ends --------------------------------------------------------------------------------

    def commit(self) -> None:
        """Keep all of it.

        Raises:
            StoreError: it was away for too long, or rows that were read are not any more what they were.
        """
        while True:
            self._require_sound()
            try:
                self._link.commit()
            except psycopg.Error as exc:
                if is_outage(exc) and self._patience.keep_trying(self._link.was_committed):
                    break
                self._again(exc)
            else:
                break
        self._link.ended()

    def rollback(self) -> None:
        """Keep nothing of it."""
        self._link.rollback()

    def _require_sound(self) -> None:
        """Postgres takes COMMIT for ROLLBACK after a statement that failed, and does not call that an error."""
        if self._connection.info.transaction_status == pq.TransactionStatus.INERROR:
            raise StoreError(
                f"A statement of this transaction failed, so the store {self._patience.name} keeps nothing of it. "
                "Expected that its error ends the transaction."
            )

    # --- what is said again -------------------------------------------------------------------------

    def _say(self, sql: bytes, values: Sequence[Any], *, many: bool) -> Answer:
        while True:
            try:
                answer = self._ask(sql, values, many=many)
            except psycopg.Error as exc:  # noqa: PERF203 - once, as a rule
                self._again(exc)
            else:
                self._said.append(Said(sql, values, many, answer))
                return answer

    def _ask(self, sql: bytes, values: Sequence[Any], *, many: bool) -> Answer:
        cursor = self._connection.cursor(binary=True)
        if many:
            cursor.executemany(sql, values)
            return Answer(cursor.rowcount, [])
        cursor.execute(sql, values)
        return Answer(cursor.rowcount, cursor.fetchall() if cursor.description else [])

    def _again(self, exc: psycopg.Error) -> None:
        """Begin again after an error that this mends; raise it where it is another one."""
        if is_conflict(exc):
            self._conflicts += 1
        if not (is_outage(exc) or is_conflict(exc)) or self._conflicts > _MOST_CONFLICTS:
            raise exc
        if is_outage(exc):
            self._connection.close()  # it may lead to a server that has become a standby
        self._patience.keep_trying(self._begin_again)

    def _begin_again(self) -> None:
        self._connection = self._link.begin()
        for said in self._said:
            if self._ask(said.sql, said.values, many=said.many) != said.answer:
                raise StoreError(
                    f"The connection to {self._patience.name} was lost, and what a decision was based on has changed "
                    "meanwhile. Nothing of it was written: try again."
                )
