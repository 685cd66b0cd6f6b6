"""The SQL of task runs. Rows come in batches from the journal, each with the run's present state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._storage.filters import where
from prefect._storage.table import EVERYTHING
from prefect.model.records import TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prefect._storage.filters import Condition
    from prefect._storage.protocol import Queries, Store, Transaction

_COLUMNS = TaskRunRecord._fields
_CHANGING = _COLUMNS[_COLUMNS.index("state_type") :]
_LIST = ",".join(_COLUMNS)
_INSERT = f"INSERT INTO task_run ({_LIST})"
# a terminal row is never changed by a late write. No late write: that a completed run was rolled back; and what
# really became of a run that was thought to have crashed, told in a newer attempt by the process that runs it
_ON_CONFLICT = (
    "ON CONFLICT (id) DO UPDATE SET attempt = excluded.attempt, name = excluded.name, "
    f"{','.join(f'{c} = excluded.{c}' for c in _CHANGING)} "
    "WHERE task_run.state_type NOT IN ('COMPLETED','FAILED','CANCELLED','CRASHED') "
    "OR excluded.state_name = 'RolledBack' "
    "OR task_run.state_type = 'CRASHED' AND excluded.attempt > task_run.attempt"
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


def upsert(cx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write the present state of many runs. A row whose run has ended is left as it is."""
    cx.insert_many(_INSERT, _ON_CONFLICT, rows, len(_COLUMNS))


def replace(cx: Transaction, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write many runs as they are now. Who calls has read them in the same transaction."""
    cx.insert_many(_INSERT, _ON_ANY_CONFLICT, rows, len(_COLUMNS))


def read_many(cx: Queries, ids: Sequence[bytes]) -> dict[bytes, TaskRunRecord]:
    """Those of the runs that there are, by id."""
    found: dict[bytes, TaskRunRecord] = {}
    for start in range(0, len(ids), _SIZES[-1]):
        some = list(ids[start : start + _SIZES[-1]])
        size = next(size for size in _SIZES if size >= len(some))
        some += some[-1:] * (size - len(some))
        rows = cx.rows(f"{_SELECT} WHERE id IN ({','.join('?' * size)})", some)
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
