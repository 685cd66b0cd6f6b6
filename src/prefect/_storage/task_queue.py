"""The SQL of background runs that wait for a task worker, and of who was given which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._storage import task_runs
from prefect._storage.clauses import any_of
from prefect._storage.table import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction
    from prefect.model.records import TaskRunRecord

_DEFERRED = "t.history LIKE '%\"deferred\":%true%'"


def waiting(cx: Transaction, task_keys: Sequence[str], now: int, most: int) -> list[TaskRunRecord]:
    """The oldest runs of these tasks that nobody was given; no other transaction finds them until this one ends."""
    wanted = any_of("t.task_key", task_keys)
    rows = cx.rows(
        f"SELECT {task_runs.columns('t')} FROM task_run t WHERE t.state_name = 'Scheduled' AND {wanted.sql} "  # noqa: S608
        f"AND t.state_type = 'SCHEDULED' AND {_DEFERRED} AND NOT EXISTS "
        "(SELECT 1 FROM task_run_claim c WHERE c.task_run_id = t.id AND c.until > ?) "
        f"ORDER BY t.id LIMIT ?{cx.for_update('t', skip_locked=True)}",
        (*wanted.values, now, most),
    )
    return [task_runs.record_of(row) for row in rows]


def is_any_waiting(source: Queries, task_keys: Sequence[str], now: int) -> bool:
    """Whether there may be any such run."""
    wanted = any_of("t.task_key", task_keys)
    row = source.row(
        f"SELECT 1 FROM task_run t WHERE t.state_name = 'Scheduled' AND {wanted.sql} "  # noqa: S608
        f"AND t.state_type = 'SCHEDULED' AND {_DEFERRED} AND NOT EXISTS "
        "(SELECT 1 FROM task_run_claim c WHERE c.task_run_id = t.id AND c.until > ?) LIMIT 1",
        (*wanted.values, now),
    )
    return row is not None


def claim(cx: Transaction, run_id: bytes, until: int = EVERYTHING) -> None:
    """Give the run to nobody else until a time (microseconds UTC)."""
    cx.execute(
        "INSERT INTO task_run_claim (task_run_id, until) VALUES (?,?) "
        "ON CONFLICT (task_run_id) DO UPDATE SET until = excluded.until",
        (run_id, until),
    )


def release(cx: Transaction, run_id: bytes) -> None:
    """It may be given to somebody else."""
    cx.execute("DELETE FROM task_run_claim WHERE task_run_id = ?", (run_id,))
