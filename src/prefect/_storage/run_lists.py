"""The SQL that lists, counts and sums up flow runs for who looks at them.

A list first finds the ids, from indexes and along the order, and then reads only the rows that are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage.clauses import Clause, compare, joined, where
from prefect._storage.flow_runs import SELECT, record_of, state_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Row
    from prefect.model.records import FlowRunRecord, StateRecord

# a run that has not started counts as starting when it is expected to; the index has the same expression
STARTS = "COALESCE(r.start_time, r.expected_start_time)"
_ENDLESS = Clause(
    "r.end_time IS NULL AND r.state_type <> 'COMPLETED' "
    "AND r.state_type IN ('SCHEDULED','PENDING','RUNNING','PAUSED','CANCELLING')"
)


class Order(NamedTuple):
    """An order of flow runs: by a column, then by id; `nulls` is where rows without a value go, and which they are."""

    column: str | None = None
    descending: bool = False
    unset: Clause | None = None

    @property
    def sql(self) -> str:
        """What follows ORDER BY, for the rows with a value."""
        way = " DESC" if self.descending else ""
        return f"{self.column}{way}, r.id{way}" if self.column else f"r.id{way}"


ORDERS = {
    "ID_DESC": Order(descending=True),
    "START_TIME_ASC": Order(STARTS),
    "START_TIME_DESC": Order(STARTS, descending=True),
    "EXPECTED_START_TIME_ASC": Order("r.expected_start_time"),
    "EXPECTED_START_TIME_DESC": Order("r.expected_start_time", descending=True),
    "NAME_ASC": Order("r.name"),
    "NAME_DESC": Order("r.name", descending=True),
    # those that wait for no time come first, those that have not ended last
    "NEXT_SCHEDULED_START_TIME_ASC": Order(
        "r.next_scheduled_start_time", unset=Clause("r.next_scheduled_start_time IS NULL")
    ),
    "END_TIME_DESC": Order("r.end_time", descending=True, unset=_ENDLESS),
}


def find(
    source: Queries, conditions: Sequence[Clause], order: Order, *, limit: int, offset: int = 0
) -> list[FlowRunRecord]:
    """The runs that meet every condition."""
    if order.unset is None:
        return _find(source, conditions, order.sql, limit, offset)
    found: list[FlowRunRecord] = []
    for part, part_order in parts(order):
        if len(found) < limit:
            found += _find(source, [*conditions, part], part_order, limit - len(found), offset)
            offset = 0 if found else max(0, offset - (count(source, [*conditions, part]) if offset else 0))
    return found


def parts(order: Order) -> list[tuple[Clause, str]]:
    """Rows with a value and rows without one, each in its order: an index holds only the former."""
    assert order.unset is not None
    known = Clause(f"{order.column} IS NOT NULL")
    if order.descending:
        return [(known, order.sql), (order.unset, "r.id DESC")]
    return [(order.unset, "r.id"), (known, order.sql)]


def _find(
    source: Queries, conditions: Sequence[Clause], order: str, limit: int, offset: int
) -> list[FlowRunRecord]:
    sql, values = ids_query(conditions, order)
    rows = source.rows(f"{SELECT} WHERE r.id IN ({sql}) ORDER BY {order}", (*values, limit, offset))
    return [record_of(row) for row in rows]


def ids_query(conditions: Sequence[Clause], order: str) -> tuple[str, tuple[Any, ...]]:
    """What finds the ids, and its values but for the limit and the offset."""
    clause, values = where(conditions)
    return f"SELECT r.id FROM flow_run r{clause} ORDER BY {order} LIMIT ? OFFSET ?", values  # noqa: S608


def behind(source: Queries, run_id: bytes, order: Order) -> Clause | None:
    """What stands behind a run in an order; None where there is no such run."""
    sign = "<" if order.descending else ">"
    if order.column is None:
        return compare("r.id", sign, run_id)
    row = source.row(f"SELECT {order.column} FROM flow_run r WHERE r.id = ?", (run_id,))  # noqa: S608
    if row is None:
        return None
    equal = joined("and_", [compare(order.column, "=", row[0]), compare("r.id", sign, run_id)])
    reached = compare(order.column, f"{sign}=", row[0])  # a range, which the index takes
    return joined("and_", [reached, joined("or_", [compare(order.column, sign, row[0]), equal])])


def count(source: Queries, conditions: Sequence[Clause]) -> int:
    """How many runs meet every condition."""
    clause, values = where(conditions)
    row = source.row(f"SELECT COUNT(*) FROM flow_run r{clause}", values)  # noqa: S608
    return int(row[0]) if row else 0


def ids(source: Queries, conditions: Sequence[Clause], limit: int) -> list[bytes]:
    """The newest runs that meet every condition."""
    sql, values = ids_query(conditions, "r.id DESC")
    return [bytes(row[0]) for row in source.rows(sql, (*values, limit, 0))]


# microseconds; `?` is now, given twice
_LATENESS = (
    "CASE WHEN r.start_time IS NOT NULL THEN "
    "CASE WHEN r.start_time > r.expected_start_time THEN r.start_time - r.expected_start_time ELSE 0 END "
    "WHEN r.state_type IN ('COMPLETED','FAILED','CANCELLED','CRASHED') THEN 0 "
    "WHEN r.expected_start_time < ? THEN ? - r.expected_start_time ELSE 0 END"
)
_RUN_TIME = "r.total_run_time + CASE WHEN r.state_type = 'RUNNING' THEN ? - r.state_timestamp ELSE 0 END"


def lateness(source: Queries, conditions: Sequence[Clause], now: int) -> float | None:
    """By how many microseconds the runs start late, on the average; None where there are none."""
    clause, values = where(conditions)
    row = source.row(f"SELECT AVG({_LATENESS}) FROM flow_run r{clause}", (now, now, *values))  # noqa: S608
    return None if row is None or row[0] is None else float(row[0])


def history(
    source: Queries, conditions: Sequence[Clause], *, start: int, end: int, interval: int, now: int
) -> list[Row]:
    """By interval (counted from 0), state type and name: how many runs, their run time and lateness."""
    span = [compare("r.expected_start_time", ">=", start), compare("r.expected_start_time", "<", end)]
    clause, values = where([*span, *conditions])
    return source.rows(
        f"SELECT (r.expected_start_time - ?) / ? AS part, r.state_type, r.state_name, COUNT(*), "  # noqa: S608
        f"SUM({_RUN_TIME}), SUM({_LATENESS}) FROM flow_run r{clause} "
        "GROUP BY part, r.state_type, r.state_name ORDER BY part, r.state_type, r.state_name",
        (start, interval, now, now, now, *values),
    )


def count_task_runs(source: Queries, run_ids: Sequence[bytes]) -> dict[bytes, int]:
    """How many task runs each flow run has, where it has some."""
    if not run_ids:
        return {}
    marks = ",".join("?" * len(run_ids))
    rows = source.rows(
        f"SELECT flow_run_id, COUNT(*) FROM task_run WHERE flow_run_id IN ({marks}) GROUP BY flow_run_id",  # noqa: S608
        run_ids,
    )
    return {bytes(run_id): int(number) for run_id, number in rows}


def read(source: Queries, run_id: bytes) -> FlowRunRecord | None:
    """One run, for who looks at it."""
    row = source.row(f"{SELECT} WHERE r.id = ?", (run_id,))
    return record_of(row) if row else None


def read_state(source: Queries, state_id: bytes) -> tuple[bytes, StateRecord] | None:
    """A state by its id, and the run it belongs to.

    Nobody looks for states so but by hand: they have no index by id, which would be half of what they cost.
    """
    row = source.row(
        "SELECT id, type, name, timestamp, message, data, details, flow_run_id FROM flow_run_state WHERE id = ?",
        (state_id,),
    )
    return (row[7], state_of(row[:7])) if row else None
