"""What a store holds and how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefect._storage.protocol import Store


class Statistics(NamedTuple):
    """Sizes in bytes, times in microseconds UTC (None without flow runs).

    `free_bytes` is the part that new rows fill first. `bytes_per_task_run` is all of what is used, divided by the
    task runs. Only SQLite has a `wal_bytes` of its own.
    """

    store: str
    database: str
    bytes: int
    wal_bytes: int
    free_bytes: int
    schema_version: int
    rows: dict[str, int]
    bytes_per_task_run: int | None
    oldest_run: int | None
    newest_run: int | None


def statistics(store: Store) -> Statistics:
    """Count everything. Takes about 0.1 s for a million rows.

    Raises:
        StoreError: the store cannot be read.
    """
    rows = {name: _count(store, name) for name in store.tables()}
    size = store.size()
    task_runs = rows.get("task_run", 0)
    oldest, newest = (
        store.rows("SELECT MIN(created), MAX(created) FROM flow_run")[0]
        if "flow_run" in rows
        else (None, None)
    )
    return Statistics(
        store=store.name,
        database=store.database(),
        bytes=size.total,
        wal_bytes=size.wal,
        free_bytes=size.free,
        schema_version=store.version(),
        rows=rows,
        bytes_per_task_run=(size.total - size.free) // task_runs if task_runs else None,
        oldest_run=oldest,
        newest_run=newest,
    )


def _count(store: Store, table: str) -> int:
    return int(store.rows(f'SELECT COUNT(*) FROM "{table}"')[0][0])  # noqa: S608 - a name of ours
