"""The SQL of the lists of runs that people look at: what a text finds, both ways along an order, points of a chart."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from prefect._storage import run_lists
from prefect._storage.clauses import Clause, compare, contains, joined, where
from prefect._storage.run_lists import STARTS, Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Row
    from prefect.model.records import FlowRunRecord

_POINT = f"SELECT r.state_type, {STARTS}, r.total_run_time FROM flow_run r"  # noqa: S608


def beside(source: Queries, run_id: bytes, order: Order, *, back: bool) -> Clause | None:
    """What stands behind a run in an order, or before it; None where there is no such run."""
    return run_lists.behind(source, run_id, turned(order) if back else order)


def turned(order: Order) -> Order:
    """The same order from its end."""
    return order._replace(descending=not order.descending)


def page(
    source: Queries, conditions: Sequence[Clause], order: Order, *, limit: int, back: bool
) -> list[FlowRunRecord]:
    """The first runs in an order, or, in the same order, the last ones."""
    found = run_lists.find(source, conditions, turned(order) if back else order, limit=limit)
    return found[::-1] if back else found


def has_parameter(name: str, value: str) -> Clause:
    """The parameters (JSON without spaces) have that value under that name, at whatever depth."""
    key = json.dumps(name)
    written = [json.dumps(value)]
    with suppress(ValueError):  # a text only
        written.append(json.dumps(json.loads(value), separators=(",", ":")))
    ends = [_holds(f"{key}:{one}{end}") for one in dict.fromkeys(written) for end in ",}"]
    return joined("and_", [_holds(f"{key}:"), joined("or_", ends)])


def _holds(text: str) -> Clause:
    """The parameters hold the text as it is: half the time of `contains`."""
    literal = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Clause("r.parameters LIKE ? ESCAPE '\\'", (f"%{literal}%",))


def has_text(text: str, *, in_logs: bool) -> Clause:
    """A flow run says the text in its name, its parameters, or in its log."""
    found = [contains("r.name", text), contains("r.parameters", text)]
    return joined("or_", [*found, _logged("l.flow_run_id = r.id", text)] if in_logs else found)


def task_has_text(text: str, *, in_logs: bool) -> Clause:
    """A task run says the text in its name or in its log."""
    found = [contains("t.name", text)]
    return joined("or_", [*found, _logged("l.task_run_id = t.id", text)] if in_logs else found)


def _logged(of_run: str, text: str) -> Clause:
    line = contains("l.message", text)
    return Clause(f"EXISTS (SELECT 1 FROM log l WHERE {of_run} AND {line.sql})", line.values)  # noqa: S608


def newest_points(source: Queries, conditions: Sequence[Clause], limit: int) -> list[Row]:
    """Runs by their start, the newest first: type of state, start, run time."""
    sql, values = points_query(conditions)
    return source.rows(sql, (*values, limit))


def points_query(conditions: Sequence[Clause]) -> tuple[str, tuple[Any, ...]]:
    """What finds them, and its values but for the limit."""
    clause, values = where(conditions)
    return f"{_POINT}{clause} ORDER BY {STARTS} DESC LIMIT ?", values


def oldest_start(source: Queries, conditions: Sequence[Clause]) -> int | None:
    """When the first of the runs started, or was to."""
    clause, values = where([*conditions, Clause(f"{STARTS} IS NOT NULL")])
    row = source.row(f"SELECT {STARTS} FROM flow_run r{clause} ORDER BY {STARTS} LIMIT 1", values)  # noqa: S608
    return None if row is None else int(row[0])


def spread_points(
    source: Queries, conditions: Sequence[Clause], *, start: int, end: int, parts: int, each: int
) -> list[Row]:
    """The newest runs of each of some equal parts of a time."""
    step = max(1, (end - start) // parts)
    found: list[Row] = []
    for begin in range(start, end + 1, step):
        span = [compare(STARTS, ">=", begin), compare(STARTS, "<", begin + step)]
        found += newest_points(source, [*span, *conditions], each)
    return found
