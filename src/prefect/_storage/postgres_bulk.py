"""Everything in a Postgres store, table by table: read through a cursor of the server's, written by COPY."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._storage.bulk import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prefect._storage.postgres_link import Connection

    Row = tuple[Any, ...]


class PostgresBulk:
    """See `prefect._storage.bulk.Bulk`: on a connection in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def columns(self, table: str) -> list[str]:
        """See `Bulk`."""
        found = self._connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            "ORDER BY attnum",
            (f'"{table}"',),
        )
        return [str(name) for (name,) in found]

    def count(self, table: str) -> int:
        """See `Bulk`."""
        row = self._connection.execute(f'SELECT COUNT(*) FROM "{table}"'.encode()).fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def batches(self, table: str, columns: Sequence[str], size: int) -> Iterator[list[Row]]:
        """See `Bulk`."""
        with self._connection.cursor(name="copied", binary=True) as cursor:
            cursor.itersize = size
            cursor.execute(f'SELECT {quoted(columns)} FROM "{table}"'.encode())  # noqa: S608 - names of ours
            while rows := cursor.fetchmany(size):
                yield rows

    def clear(self, table: str) -> None:
        """See `Bulk`."""
        self._connection.execute(f'DELETE FROM "{table}"'.encode())  # noqa: S608 - a name of ours

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """See `Bulk`."""
        with self._connection.cursor() as cursor:
            statement = f'COPY "{table}" ({quoted(columns)}) FROM STDIN'
            with cursor.copy(statement.encode()) as copy:
                for row in rows:
                    copy.write_row(row)
