"""The SQL of what flow runs went through, in the order of time over all runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.clauses import any_of, where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.protocol import Queries


class Passage(NamedTuple):
    """A flow run's entry into a state."""

    id: bytes
    timestamp: int
    type: str
    name: str
    message: str | None
    flow_run_id: bytes
    flow_run_name: str
    flow_id: bytes
    flow_name: str
    deployment_id: bytes | None
    tags: tuple[str, ...]


class Before(NamedTuple):
    """What came before a state: the state it follows, and how often the run had been Running."""

    id: bytes | None
    type: str | None
    name: str | None
    run_count: int


_FROM = "FROM flow_run_state s JOIN flow_run r ON r.id = s.flow_run_id JOIN flow f ON f.id = r.flow_id"
_COLUMNS = (
    "s.id, s.timestamp, s.type, s.name, s.message, r.id, r.name, r.flow_id, f.name, r.deployment_id, r.tags"
)


def find(source: Queries, conditions: Sequence[Clause], *, order: str, limit: int) -> list[Passage]:
    """Entries that meet every condition (on `s`, `r` and `f`). `order` is SQL of ours."""
    clause, values = where(conditions)
    rows = source.rows(
        f"SELECT {_COLUMNS} {_FROM}{clause} ORDER BY {order} LIMIT ?",
        (*values, limit),
    )
    return [Passage._make((*row[:10], tuple(json.loads(row[10])))) for row in rows]


def count(source: Queries, conditions: Sequence[Clause]) -> int:
    """How many entries meet every condition."""
    clause, values = where(conditions)
    row = source.row(f"SELECT COUNT(*) {_FROM}{clause}", values)
    return int(row[0]) if row else 0


def befores(source: Queries, flow_run_ids: Iterable[bytes]) -> dict[bytes, Before]:
    """For every state of some runs, by its id, what came before it."""
    condition = any_of("flow_run_id", sorted(set(flow_run_ids)))
    rows = source.rows(
        "SELECT flow_run_id, id, type, name FROM flow_run_state "  # noqa: S608
        f"WHERE {condition.sql} ORDER BY flow_run_id, timestamp, id",
        condition.values,
    )
    found: dict[bytes, Before] = {}
    run: bytes | None = None
    before = Before(None, None, None, 0)
    for run_id, id, type, name in rows:
        if run_id != run:
            run, before = run_id, Before(None, None, None, 0)
        found[id] = before
        before = Before(id, type, name, before.run_count + (type == "RUNNING"))
    return found


def entered_since(source: Queries, moment: int) -> list[bytes]:
    """The ids of the states that flow runs have entered since a time (microseconds UTC), oldest first."""
    rows = source.rows("SELECT id FROM flow_run_state WHERE timestamp >= ? ORDER BY timestamp, id", (moment,))
    return [row[0] for row in rows]
