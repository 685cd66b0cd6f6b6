"""What a SQLite store holds and how large it is."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.sqlite import MEMORY

if TYPE_CHECKING:
    from prefect._storage.sqlite import SqliteStore


class Statistics(NamedTuple):
    """Sizes in bytes, times in microseconds UTC (None without flow runs).

    `free_bytes` is the part of the file that new rows fill first. `bytes_per_task_run` is all of what is
    used, divided by the task runs.
    """

    file: str
    file_bytes: int
    wal_bytes: int
    free_bytes: int
    schema_version: int
    sqlite_version: str
    rows: dict[str, int]
    bytes_per_task_run: int | None
    oldest_run: int | None
    newest_run: int | None


def statistics(store: SqliteStore) -> Statistics:
    """Count everything. Takes about 0.1 s for a million rows.

    Raises:
        StoreError: the file cannot be read.
    """
    tables = [
        name for (name,) in store.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    ]
    rows = {name: _number(store, f'SELECT COUNT(*) FROM "{name}"') for name in tables}  # noqa: S608
    page = _number(store, "PRAGMA page_size")
    free = _number(store, "PRAGMA freelist_count") * page
    size = _number(store, "PRAGMA page_count") * page
    task_runs = rows.get("task_run", 0)
    oldest, newest = (
        store.rows("SELECT MIN(created), MAX(created) FROM flow_run")[0]
        if "flow_run" in rows
        else (None, None)
    )
    return Statistics(
        file=store.path,
        file_bytes=size if store.path == MEMORY else _size_of(store.path),
        wal_bytes=_size_of(f"{store.path}-wal"),
        free_bytes=free,
        schema_version=store.version(),
        sqlite_version=sqlite3.sqlite_version,
        rows=rows,
        bytes_per_task_run=(size - free) // task_runs if task_runs else None,
        oldest_run=oldest,
        newest_run=newest,
    )


def quick_check(store: SqliteStore) -> list[str]:
    """What is wrong with the file, as SQLite finds by reading all of it; empty if nothing is."""
    return [text for (text,) in store.rows("PRAGMA quick_check") if text != "ok"]


def _number(store: SqliteStore, sql: str) -> int:
    return int(store.rows(sql)[0][0])


def _size_of(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
