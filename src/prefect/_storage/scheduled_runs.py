"""The SQL of runs that wait for their time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._base.clock import to_datetime
from prefect._storage import clauses, flow_runs
from prefect._storage.clauses import Clause
from prefect._storage.table import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction
    from prefect.model.records import FlowRunRecord

_WAITS = Clause("r.state_type = 'SCHEDULED'")
_PREFIX = "scheduled {deployment} "


def key_of(deployment_id: bytes, schedule_id: bytes, time: int) -> str:
    """The idempotency key of the run of a schedule at a time: a slot becomes a run once, whoever schedules it."""
    prefix = _PREFIX.format(deployment=UUID(bytes=deployment_id))
    return f"{prefix}{UUID(bytes=schedule_id)} {to_datetime(time).isoformat(' ')}"


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


def news_of(source: Queries, deployment_ids: Sequence[bytes], before: int) -> tuple[object, ...]:
    """What changes when a run of these deployments is to start before a time, or any run is to stop."""
    waiting = [
        clauses.any_of("r.deployment_id", deployment_ids),
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
    start = _PREFIX.format(deployment=UUID(bytes=deployment_id))
    if schedule_id is not None:
        start += f"{UUID(bytes=schedule_id)} "
    rows = cx.rows(
        "SELECT id FROM flow_run WHERE deployment_id = ? AND next_scheduled_start_time IS NOT NULL "
        "AND state_type = 'SCHEDULED' AND auto_scheduled = 1 AND run_count = 0 "
        "AND idempotency_key LIKE ?",
        (deployment_id, f"{start}%"),
    )
    return flow_runs.delete(cx, [row[0] for row in rows]) if rows else 0
