"""The SQL of task runs. Rows come in batches from the journal, each with the run's present state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._base.clock import now_us
from prefect._storage import clauses
from prefect._storage.filters import where
from prefect._storage.pruning import first_id_at
from prefect._storage.table import EVERYTHING
from prefect.model.records import TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.clauses import Clause
    from prefect._storage.filters import Condition
    from prefect._storage.protocol import Queries, Store, Transaction

_COLUMNS = TaskRunRecord._fields
_CHANGING = _COLUMNS[_COLUMNS.index("state_type") :]
_LIST = ",".join(_COLUMNS)
_INSERT = f"INSERT INTO task_run ({_LIST})"
# a terminal row is never changed by a late write; that a completed run was rolled back is no late write
_ON_CONFLICT = (
    "ON CONFLICT (id) DO UPDATE SET attempt = excluded.attempt, name = excluded.name, "
    f"{','.join(f'{c} = excluded.{c}' for c in _CHANGING)} "
    "WHERE task_run.state_type NOT IN ('COMPLETED','FAILED','CANCELLED','CRASHED') "
    "OR excluded.state_name = 'RolledBack'"
)
# nor is what really became of a run that was thought to have crashed, told in a newer attempt by who still runs it
_ON_CONFLICT_ALIVE = (
    f"{_ON_CONFLICT} OR task_run.state_type = 'CRASHED' AND excluded.attempt > task_run.attempt"
)
_ON_ANY_CONFLICT = f"ON CONFLICT (id) DO UPDATE SET {','.join(f'{c} = excluded.{c}' for c in _COLUMNS[1:])}"
_SIZES = (1, 8, 64, 512)  # of IN lists: few, so that statements are prepared once
_SELECT = f"SELECT {_LIST} FROM task_run"  # noqa: S608


def columns(alias: str) -> str:
    """The columns of `record_of`, of a table under an alias."""
    return ",".join(f"{alias}.{column}" for column in _COLUMNS)


def record_of(row: Sequence[Any]) -> TaskRunRecord:
    """The record of a row of `columns`."""
    return TaskRunRecord._make(row)


def upsert(cx: Transaction, rows: Sequence[tuple[Any, ...]], *, from_afar: bool = False) -> None:
    """Write the present state of many runs. A row whose run has ended is left as it is.

    With `from_afar` the rows come from a process that may have been taken for dead: its crashed runs may go on.
    """
    cx.insert_many(_INSERT, _ON_CONFLICT_ALIVE if from_afar else _ON_CONFLICT, rows, len(_COLUMNS))


def replace(cx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write many runs as they are now. Who calls has read them in the same transaction."""
    cx.insert_many(_INSERT, _ON_ANY_CONFLICT, rows, len(_COLUMNS))


def held(cx: Transaction, ids: Sequence[bytes]) -> dict[bytes, TaskRunRecord]:
    """Those of the runs that there are, by id; nobody else changes them until the transaction ends."""
    return read_many(cx, ids, ending=cx.for_update("task_run"))


def read_many(cx: Queries, ids: Sequence[bytes], *, ending: str = "") -> dict[bytes, TaskRunRecord]:
    """Those of the runs that there are, by id."""
    found: dict[bytes, TaskRunRecord] = {}
    for start in range(0, len(ids), _SIZES[-1]):
        some = list(ids[start : start + _SIZES[-1]])
        size = next(size for size in _SIZES if size >= len(some))
        some += some[-1:] * (size - len(some))
        rows = cx.rows(f"{_SELECT} WHERE id IN ({','.join('?' * size)}){ending}", some)
        found |= {row[0]: TaskRunRecord._make(row) for row in rows}
    return found


def find(
    store: Store,
    conditions: Iterable[Condition] = (),
    *,
    limit: int | None = None,
    offset: int = 0,
    newest_first: bool = True,
) -> list[TaskRunRecord]:
    """Runs that meet every condition."""
    clause, values = where(conditions)
    order = "DESC" if newest_first else "ASC"
    rows = store.rows(
        f"{_SELECT}{clause} ORDER BY id {order} LIMIT ? OFFSET ?",
        (*values, EVERYTHING if limit is None else limit, offset),
    )
    return [TaskRunRecord._make(row) for row in rows]


def recorded(store: Store, flow_run_id: bytes) -> list[TaskRunRecord]:
    """What a resumed flow run looks for, oldest first: completed runs with a result, and those of subflows."""
    rows = store.rows(
        f"{_SELECT} WHERE flow_run_id = ? AND memo IS NOT NULL AND ("
        "state_type = 'COMPLETED' AND (result IS NOT NULL OR detail LIKE '%\"storage_key\"%') "
        "OR detail LIKE '%\"child_flow_run_id\"%') ORDER BY id",
        (flow_run_id,),
    )
    return [TaskRunRecord._make(row) for row in rows]


def unfinished(cx: Transaction, *, column: str, value: bytes) -> list[TaskRunRecord]:
    """The runs of a flow run (`column="flow_run_id"`) or of a process (`"process_id"`) that have not ended."""
    rows = cx.execute(
        f"{_SELECT} WHERE {column} = ? AND state_type NOT IN ('COMPLETED','FAILED','CANCELLED','CRASHED')",
        (value,),
    ).fetchall()
    return [TaskRunRecord._make(row) for row in rows]


def count_by_state(store: Store, flow_run_id: bytes) -> dict[str, int]:
    """How many task runs of a flow run are in each state type."""
    rows = store.rows(
        "SELECT state_type, COUNT(*) FROM task_run WHERE flow_run_id = ? GROUP BY state_type", (flow_run_id,)
    )
    return {str(state_type): int(count) for state_type, count in rows}


def search(
    source: Queries, conditions: Sequence[Clause], *, order: str, limit: int, offset: int = 0
) -> list[TaskRunRecord]:
    """Runs (`t`) that meet every condition. `order` is SQL of ours."""
    clause, values = clauses.where(conditions)
    found = f"FROM task_run t{clause} ORDER BY {order} LIMIT ? OFFSET ?"
    if order in _AS_THEY_LIE:
        rows = source.rows(f"SELECT {columns('t')} {found}", (*values, limit, offset))
        return [TaskRunRecord._make(row) for row in rows]
    # what has to be sorted is sorted without its many columns
    ids = [row[0] for row in source.rows(f"SELECT t.id {found}", (*values, limit, offset))]
    runs = read_many(source, ids)
    return [runs[id] for id in ids if id in runs]


_AS_THEY_LIE = frozenset(("t.id", "t.id DESC"))


def count(source: Queries, conditions: Sequence[Clause]) -> int:
    """How many runs (`t`) meet every condition."""
    clause, values = clauses.where(conditions)
    row = source.row(f"SELECT COUNT(*) FROM task_run t{clause}", values)  # noqa: S608
    return int(row[0]) if row else 0


def count_by_type(source: Queries, conditions: Sequence[Clause]) -> dict[str, int]:
    """How many of the runs (`t`) that meet every condition are in each type of state."""
    clause, values = clauses.where(conditions)
    rows = source.rows(
        f"SELECT t.state_type, COUNT(*) FROM task_run t{clause} GROUP BY t.state_type",  # noqa: S608
        values,
    )
    return {str(state_type): int(number) for state_type, number in rows}


class Bucket(NamedTuple):
    """Runs in one state that were expected in one stretch of time. Sums are in microseconds."""

    number: int
    state_type: str
    state_name: str
    runs: int
    run_time: int
    lateness: int


def history(
    source: Queries,
    conditions: Sequence[Clause],
    *,
    column: str,
    start: int,
    step: int,
    made: tuple[int, int],
) -> list[Bucket]:
    """Runs (`t`) that meet every condition, by stretches of `step` from `start` on (microseconds) and by state.

    Args:
        source: where to read.
        conditions: on `t`.
        column: the time that decides, SQL of ours.
        start: of the first stretch.
        step: the length of each.
        made: the first and the last time at which the runs were made.
    """
    now = now_us()
    clause, values = clauses.where(conditions)
    rows = source.rows(
        f"SELECT ({column} - ?) / ? AS bucket, t.state_type, t.state_name, COUNT(*), "  # noqa: S608
        "SUM(COALESCE(COALESCE(t.end_time, CASE WHEN t.state_type = 'RUNNING' THEN ? END, t.state_timestamp) "
        "- t.start_time, 0)), "
        "SUM(CASE WHEN t.start_time > t.created THEN t.start_time - t.created "
        "WHEN t.start_time IS NULL AND t.end_time IS NULL AND t.created < ? THEN ? - t.created ELSE 0 END) "
        f"FROM ({_MADE}) t{clause} GROUP BY bucket, t.state_type, t.state_name "
        "ORDER BY bucket, t.state_type, t.state_name",
        (start, step, now, now, now, *_bounds(*made), *made, *made, *values),
    )
    return [Bucket(*map(_plain, row)) for row in rows]


# ids begin with the time of making, but for those of another kind, which have an index of their own
_MADE = (
    f"SELECT {_LIST} FROM task_run WHERE id BETWEEN ? AND ? AND substr(hex(id), 13, 1) = '7' "  # noqa: S608
    "AND created BETWEEN ? AND ? UNION ALL "
    f"SELECT {_LIST} FROM task_run WHERE substr(hex(id), 13, 1) <> '7' AND created BETWEEN ? AND ?"
)
_SLACK_US = 1_000_000


def _bounds(first: int, last: int) -> tuple[bytes, bytes]:
    return first_id_at(first - _SLACK_US), first_id_at(last + _SLACK_US)


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value)  # Postgres sums into decimals


def delete(cx: Transaction, run_id: bytes) -> bool:
    """Remove a run; False where there is none."""
    cx.execute("DELETE FROM task_run_claim WHERE task_run_id = ?", (run_id,))
    return cx.execute("DELETE FROM task_run WHERE id = ?", (run_id,)).rowcount == 1


def rename(cx: Transaction, run_id: bytes, name: str) -> bool:
    """Give a run another name; False where there is none."""
    return cx.execute("UPDATE task_run SET name = ? WHERE id = ?", (name, run_id)).rowcount == 1
