"""Everything in a store, table by table: how it is copied to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    Row = tuple[Any, ...]


class Bulk(Protocol):
    """A transaction over whole tables. Unlike one of `Store.write`, it ends when its connection does."""

    def columns(self, table: str) -> list[str]:
        """The columns of a table."""
        ...

    def count(self, table: str) -> int:
        """How many rows it has."""
        ...

    def batches(self, table: str, columns: Sequence[str], size: int) -> Iterator[list[Row]]:
        """All of its rows, up to `size` at a time."""
        ...

    def clear(self, table: str) -> None:
        """Delete all of its rows."""
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Add rows."""
        ...


class SqliteBulk:
    """See `Bulk`: on a connection in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def columns(self, table: str) -> list[str]:
        """See `Bulk`."""
        return [row[1] for row in self._connection.execute(f'PRAGMA table_info("{table}")')]

    def count(self, table: str) -> int:
        """See `Bulk`."""
        return int(self._connection.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0])  # noqa: S608

    def batches(self, table: str, columns: Sequence[str], size: int) -> Iterator[list[Row]]:
        """See `Bulk`."""
        found = self._connection.execute(f'SELECT {quoted(columns)} FROM "{table}"')  # noqa: S608 - names of ours
        while rows := found.fetchmany(size):
            yield rows

    def clear(self, table: str) -> None:
        """See `Bulk`."""
        self._connection.execute(f'DELETE FROM "{table}"')  # noqa: S608 - a name of ours

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See `Bulk`."""
        marks = ",".join("?" * len(columns))
        self._connection.executemany(f'INSERT INTO "{table}" ({quoted(columns)}) VALUES ({marks})', rows)  # noqa: S608


def quoted(columns: Sequence[str]) -> str:
    """The columns, as a list in SQL."""
    return ",".join(f'"{column}"' for column in columns)
