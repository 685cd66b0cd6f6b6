"""How much a Postgres store takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._storage.postgres_link import Connection

_SAMPLE = 500  # rows, to know how wide they are
_INDEX_ENTRY = 40  # bytes, about
_ROW_POINTER = 4
_TABLES = """
    SELECT c.relname, s.n_live_tup, (SELECT COUNT(*) FROM pg_index i WHERE i.indrelid = c.oid)
    FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND s.n_live_tup > 0
"""
_COUNTS_FROM = 150_000  # the version that can be told to count now


def used_bytes(connection: Connection) -> int:
    """What the rows take, about: how many there are by the server's own count, times their width in a sample.

    The size of the files would not do: it does not shrink when rows are deleted, so that whoever deletes until it
    does would delete everything. After a crash the server counts anew, and less: then too little is deleted. Before
    version 15 its count may be a second old, in which too much would be deleted: there nothing is said to be used.
    """
    if connection.info.server_version < _COUNTS_FROM:
        return 0
    total = 0.0
    for table, rows, indexes in connection.execute(_TABLES).fetchall():
        sample = f"SELECT avg(pg_column_size(t.*)) FROM (SELECT * FROM {table} LIMIT {_SAMPLE}) t"  # noqa: S608
        found = connection.execute(sample.encode()).fetchone()
        width = float(found[0] or 0) if found else 0.0
        total += rows * (width + _ROW_POINTER + _INDEX_ENTRY * indexes)
    connection.execute(
        b"SELECT pg_stat_force_next_flush()"
    )  # what this transaction deletes counts at its end
    return round(total)
