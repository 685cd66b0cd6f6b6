"""The SQL of log lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._storage import clauses
from prefect._storage.filters import where
from prefect._storage.table import EVERYTHING
from prefect.model.records import LogRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.filters import Condition
    from prefect._storage.protocol import Queries, Store, Transaction

_LIST = ",".join(LogRecord._fields)


def insert(cx: Transaction, lines: Sequence[LogRecord]) -> None:
    """Write many lines; one that is there already (a batch delivered twice) is left alone."""
    cx.insert_many(f"INSERT INTO log ({_LIST})", "ON CONFLICT (id) DO NOTHING", lines, len(LogRecord._fields))


def find(
    store: Store,
    conditions: Iterable[Condition],
    *,
    limit: int | None = None,
    offset: int = 0,
    newest_first: bool = False,
) -> list[LogRecord]:
    """Lines that meet every condition, in the order they were written."""
    clause, values = where(conditions)
    order = "DESC" if newest_first else "ASC"
    rows = store.rows(
        f"SELECT {_LIST} FROM log{clause} ORDER BY timestamp {order}, id {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*values, EVERYTHING if limit is None else limit, offset),
    )
    return [LogRecord._make(row) for row in rows]


def select(
    source: Queries, conditions: Sequence[Clause], *, limit: int, offset: int = 0, newest_first: bool = False
) -> list[LogRecord]:
    """Lines that meet every condition, in the order of their ids, which is that of time: no sorting is needed."""
    clause, values = clauses.where(conditions)
    order = "DESC" if newest_first else "ASC"
    rows = source.rows(
        f"SELECT {_LIST} FROM log{clause} ORDER BY id {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*values, limit, offset),
    )
    return [LogRecord._make(row) for row in rows]
