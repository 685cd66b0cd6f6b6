"""One store copied into another, of whatever kind: all of it, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._storage.bulk import Bulk
    from prefect._storage.protocol import Store

    Progress = Callable[[str, int, int], Any]

BATCH: Final = 5000
_OWN: Final = frozenset(("meta",))  # what every store writes for itself, also an empty one


def copy_store(
    source: Store, target: Store, *, replace: bool = False, progress: Progress | None = None
) -> dict[str, int]:
    """Copy every row, as the source is at one moment, in one transaction of the target.

    Args:
        source: what is copied, and not changed.
        target: what has no rows yet.
        replace: delete the rows that it has.
        progress: called with a table, how many of its rows are copied, and how many there are.

    Returns:
        How many rows each table has, in both.

    Raises:
        StoreError: the target is not empty, one of the two fails, or they disagree in the end. The target is as it was.
    """
    tables = source.tables()
    if tables != target.tables() or source.version() != target.version():
        raise StoreError(
            f"Expected two stores of one version, got {source.name} of version {source.version()} and "
            f"{target.name} of version {target.version()}. Run `prefect database upgrade` on the older one."
        )
    with source.bulk(write=False) as read, target.bulk(write=True) as written:
        _make_room(written, target.name, tables, replace=replace)
        counts = {table: _copy_table(read, written, table, progress) for table in tables}
        for table, count in counts.items():
            if written.count(table) != count:
                raise StoreError(
                    f"Expected {count} rows in {table} of {target.name}, got {written.count(table)}. "
                    "Nothing was kept: try again."
                )
    return counts


def _make_room(written: Bulk, name: str, tables: list[str], *, replace: bool) -> None:
    """Delete what is there, if there is nothing that matters, or by order."""
    for table in tables:
        there = written.count(table)
        if there and not replace and table not in _OWN:
            raise StoreError(
                f"The store {name} is not empty: {table} has {there} rows. Expected an empty one; "
                "name another, or replace what it has (--replace)."
            )
        if there:
            written.clear(table)


def _copy_table(read: Bulk, written: Bulk, table: str, progress: Progress | None) -> int:
    columns, total, done = read.columns(table), read.count(table), 0
    for rows in read.batches(table, columns, BATCH):
        written.insert(table, columns, rows)
        done += len(rows)
        if progress is not None:
            progress(table, done, total)
    if done != total:
        raise StoreError(f"Expected {total} rows in {table}, got {done}. Nothing was kept: try again.")
    return done
