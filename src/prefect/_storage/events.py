"""The SQL of events that somebody emitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage.clauses import where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.protocol import Queries, Transaction


class EventRecord(NamedTuple):
    """One event. `body` is JSON of its resource, related resources and payload."""

    id: bytes
    occurred: int
    received: int
    name: str
    resource_id: str
    follows: bytes | None
    body: str


_COLUMNS = ",".join(EventRecord._fields)


def insert(
    cx: Transaction, events: Sequence[EventRecord], resources: Iterable[tuple[str, int, bytes, str]]
) -> None:
    """Write events with their resources (id, time, event, role); those that are there already are left alone."""
    cx.insert_many(f"INSERT INTO event ({_COLUMNS})", "ON CONFLICT (id) DO NOTHING", events, 7)
    cx.insert_many(
        "INSERT INTO event_resource (resource_id,occurred,event_id,role)",
        "ON CONFLICT (resource_id,occurred,event_id,role) DO NOTHING",
        list(resources),
        4,
    )


def find(source: Queries, conditions: Sequence[Clause], *, order: str, limit: int) -> list[EventRecord]:
    """Events that meet every condition. `order` is SQL of ours."""
    clause, values = where(conditions)
    rows = source.rows(
        f"SELECT {_COLUMNS} FROM event{clause} ORDER BY {order} LIMIT ?",  # noqa: S608
        (*values, limit),
    )
    return [EventRecord._make(row) for row in rows]


def count(source: Queries, conditions: Sequence[Clause]) -> int:
    """How many events meet every condition."""
    clause, values = where(conditions)
    row = source.row(f"SELECT COUNT(*) FROM event{clause}", values)  # noqa: S608
    return int(row[0]) if row else 0


def delete_before(cx: Transaction, moment: int, most: int) -> int:
    """Remove up to `most` of the events that were received before a time; how many there were."""
    rows = cx.rows("SELECT id FROM event WHERE received < ? ORDER BY received LIMIT ?", (moment, most))
    ids: list[Any] = [row[0] for row in rows]
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        marks = ",".join("?" * len(some))
        cx.execute(f"DELETE FROM event_resource WHERE event_id IN ({marks})", some)  # noqa: S608
        cx.execute(f"DELETE FROM event WHERE id IN ({marks})", some)  # noqa: S608
    return len(ids)
