"""A table whose rows are read and written as records: the statements that every plain noun needs.

For nouns that are kept, listed and changed by hand (variables, limits, work pools). What is written by the million
(task runs, logs) or moved on by rules (flow runs) has statements of its own.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from prefect._base.clock import to_datetime
from prefect._storage import clauses

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.protocol import Queries, Transaction

R = TypeVar("R", bound=NamedTuple)
EVERYTHING = 2**62  # as a LIMIT: all databases take it


def dumps(value: Any) -> str:
    """Compact JSON, as it is stored."""
    return json.dumps(value, separators=(",", ":"))


class Table(Generic[R]):
    """One table.

    Args:
        name: in the database.
        record: its rows; the fields are the columns, in any order. `id` is the key.
        json: the columns that hold JSON.
        times: the columns that hold microseconds UTC.
        alias: the name under which conditions know the table (see `prefect._api.filtering`).
    """

    def __init__(
        self,
        name: str,
        record: type[R],
        *,
        json: Collection[str] = (),
        times: Collection[str] = ("created", "updated"),
        alias: str = "",
    ) -> None:
        self.name = name
        self._from = f"{name} {alias}".rstrip()
        self.record = record
        self.columns: tuple[str, ...] = record._fields
        self._json = frozenset(json)
        self._times = frozenset(times)
        listed = ",".join(self.columns)
        self._select = f"SELECT {listed} FROM {self._from}"  # noqa: S608 - names of ours
        self._insert = f"INSERT INTO {name} ({listed}) VALUES ({','.join('?' * len(self.columns))})"  # noqa: S608

    def insert(self, cx: Transaction, record: R) -> None:
        """A new row. Raises StoreError where a unique column is taken."""
        cx.execute(self._insert, [self._stored(column, getattr(record, column)) for column in self.columns])

    def update(self, cx: Transaction, id: bytes, changes: Mapping[str, Any]) -> bool:
        """Set columns of a row; False where there is none."""
        if not changes:
            return self.read(cx, id=id) is not None
        assignments = ",".join(f"{column} = ?" for column in changes)
        values = [self._stored(column, value) for column, value in changes.items()]
        done = cx.execute(f"UPDATE {self.name} SET {assignments} WHERE id = ?", (*values, id))  # noqa: S608
        return done.rowcount == 1

    def delete(self, cx: Transaction, **equals: Any) -> int:
        """Remove the rows whose columns have these values; how many there were."""
        clause, values = clauses.where(_equal(equals))
        return cx.execute(f"DELETE FROM {self.name}{clause}", values).rowcount  # noqa: S608

    def read(self, source: Queries, **equals: Any) -> R | None:
        """The row whose columns have these values, or None."""
        clause, values = clauses.where(_equal(equals))
        row = source.row(f"{self._select}{clause}", values)
        return self.of(row) if row else None

    def find(
        self,
        source: Queries,
        conditions: Sequence[Clause] = (),
        *,
        order: str = "id",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[R]:
        """The rows that meet every condition. `order` is SQL: columns of ours, never a user's text."""
        clause, values = clauses.where(conditions)
        rows = source.rows(
            f"{self._select}{clause} ORDER BY {order} LIMIT ? OFFSET ?",
            (*values, EVERYTHING if limit is None else limit, offset),
        )
        return [self.of(row) for row in rows]

    def count(self, source: Queries, conditions: Sequence[Clause] = ()) -> int:
        """How many rows meet every condition."""
        clause, values = clauses.where(conditions)
        row = source.row(f"SELECT COUNT(*) FROM {self._from}{clause}", values)  # noqa: S608
        return int(row[0]) if row else 0

    def of(self, row: Sequence[Any]) -> R:
        """The record of a row."""
        loaded = (
            json.loads(value) if column in self._json and value is not None else value
            for column, value in zip(self.columns, row, strict=True)
        )
        return self.record._make(loaded)  # type: ignore[return-value] # a NamedTuple's own class

    def shown(self, record: R) -> dict[str, Any]:
        """The record as the schemas take it: ids are UUIDs, times datetimes."""
        return {column: self._shown(column, getattr(record, column)) for column in self.columns}

    def _stored(self, column: str, value: Any) -> Any:
        if column in self._json and value is not None:
            return dumps(value)
        return int(value) if isinstance(value, bool) else value

    def _shown(self, column: str, value: Any) -> Any:
        if isinstance(value, bytes):
            return UUID(bytes=value)
        return to_datetime(value) if column in self._times and value is not None else value


def _equal(columns: Mapping[str, Any]) -> list[Clause]:
    return [clauses.compare(column, "=", value) for column, value in columns.items()]
