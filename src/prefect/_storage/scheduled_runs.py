"""The SQL of runs that wait for their time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._base.slots import KEY_PREFIX
from prefect._storage import clauses, flow_runs
from prefect._storage.clauses import Clause
from prefect._storage.table import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction
    from prefect.model.records import FlowRunRecord

_WAITS = Clause("r.state_type = 'SCHEDULED'")


def schedule_of(key: str | None) -> bytes | None:
    """The id of the schedule in a key of `key_of`; None in any other."""
    words = (key or "").split(" ")
    return UUID(words[2]).bytes if len(words) > 3 and words[0] == "scheduled" else None


def _of_schedule(key: str) -> str:
    """How the keys of the same schedule begin."""
    return " ".join(key.split(" ")[:3]) + " "


# as the index has it
_UNFINISHED = (
    "deployment_id = ? AND auto_scheduled = 1 AND idempotency_key LIKE ? "
    "AND state_type NOT IN ('COMPLETED', 'FAILED', 'CANCELLED', 'CRASHED')"
)


def unfinished_sibling(
    cx: Transaction, run: FlowRunRecord, *, waiting: bool
) -> tuple[bytes, str, str] | None:
    """Another run of the same schedule that has begun and not ended; with `waiting` also an earlier one that waits."""
    key = run.idempotency_key or ""
    begun = "(state_type <> 'SCHEDULED' OR run_count > 0)"
    clause = f"({begun} OR idempotency_key < ?)" if waiting else begun
    return cx.row(
        f"SELECT id, name, state_name FROM flow_run WHERE {_UNFINISHED} AND id <> ? AND {clause} "  # noqa: S608
        "ORDER BY idempotency_key LIMIT 1",
        (run.deployment_id, f"{_of_schedule(key)}%", run.id, *((key,) if waiting else ())),
    )


def newer_is_due(cx: Transaction, run: FlowRunRecord, now: int) -> bool:
    """Whether a later run of the same schedule, which has not ended, has come to its time."""
    key = run.idempotency_key or ""
    row = cx.row(
        f"SELECT 1 FROM flow_run WHERE {_UNFINISHED} AND idempotency_key > ? AND expected_start_time <= ? LIMIT 1",  # noqa: S608
        (run.deployment_id, f"{_of_schedule(key)}%", key, now),
    )
    return row is not None


def next_waiting(cx: Transaction, run: FlowRunRecord, state_name: str) -> FlowRunRecord | None:
    """The earliest run of the same schedule that waits in a state of that name."""
    row = cx.row(
        f"SELECT id FROM flow_run WHERE {_UNFINISHED} AND state_name = ? ORDER BY idempotency_key LIMIT 1",  # noqa: S608
        (run.deployment_id, f"{_of_schedule(run.idempotency_key or '')}%", state_name),
    )
    return flow_runs.read(cx, row[0]) if row else None


def of_deployments(
    source: Queries, deployment_ids: Sequence[bytes], *, before: int | None, limit: int
) -> list[FlowRunRecord]:
    """Runs of these deployments that wait, those that are due first at the front."""
    return _find(source, clauses.any_of("r.deployment_id", deployment_ids), before=before, limit=limit)


def of_queue(
    source: Queries, queue_id: bytes, *, before: int | None, after: int | None = None, limit: int | None
) -> list[FlowRunRecord]:
    """Runs of a queue that wait, those that are due first at the front."""
    return _find(
        source, clauses.compare("r.work_queue_id", "=", queue_id), before=before, after=after, limit=limit
    )


def _find(
    source: Queries, whose: Clause, *, before: int | None, after: int | None = None, limit: int | None
) -> list[FlowRunRecord]:
    conditions = [whose, _WAITS, Clause("r.next_scheduled_start_time IS NOT NULL")]
    if before is not None:
        conditions.append(clauses.compare("r.next_scheduled_start_time", "<=", before))
    if after is not None:
        conditions.append(clauses.compare("r.next_scheduled_start_time", ">=", after))
    clause, values = clauses.where(conditions)
    rows = source.rows(
        f"{flow_runs.SELECT}{clause} ORDER BY r.next_scheduled_start_time, r.id LIMIT ?",
        (*values, EVERYTHING if limit is None else limit),
    )
    return [flow_runs.record_of(row) for row in rows]


def news_of(source: Queries, column: str, ids: Sequence[bytes], before: int) -> tuple[object, ...]:
    """What changes when a run of these is to start before a time, or any run is to stop.

    `column` says of what: `deployment_id` or `work_queue_id`.
    """
    waiting = [
        clauses.any_of(f"r.{column}", ids),
        _WAITS,
        Clause("r.next_scheduled_start_time IS NOT NULL"),
        clauses.compare("r.next_scheduled_start_time", "<=", before),
    ]
    clause, values = clauses.where(waiting)
    rows = source.rows(
        f"SELECT COUNT(*), MAX(r.state_timestamp) FROM flow_run r{clause}"  # noqa: S608 - a clause of ours
        " UNION ALL SELECT COUNT(*), MAX(state_timestamp) FROM flow_run WHERE state_type = 'CANCELLING'",
        values,
    )
    return tuple(value for row in rows for value in row)


def forget(cx: Transaction, deployment_id: bytes, schedule_id: bytes | None = None) -> int:
    """Remove the runs of a deployment, or of one of its schedules, that were made ahead and have never started."""
    start = KEY_PREFIX.format(deployment=UUID(bytes=deployment_id))
    if schedule_id is not None:
        start += f"{UUID(bytes=schedule_id)} "
    rows = cx.rows(
        "SELECT id FROM flow_run WHERE deployment_id = ? AND next_scheduled_start_time IS NOT NULL "
        "AND state_type = 'SCHEDULED' AND auto_scheduled = 1 AND run_count = 0 "
        "AND idempotency_key LIKE ?",
        (deployment_id, f"{start}%"),
    )
    return flow_runs.delete(cx, [row[0] for row in rows]) if rows else 0
