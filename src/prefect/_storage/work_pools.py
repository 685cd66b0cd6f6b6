"""The SQL of work pools, their queues and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import clauses
from prefect._storage.table import Table

if TYPE_CHECKING:
    from prefect._storage.clauses import Clause
    from prefect._storage.protocol import Queries, Transaction

# as in the index of these
OCCUPYING = "state_type IN ('PENDING', 'RUNNING', 'CANCELLING')"


class WorkPoolRecord(NamedTuple):
    """A work pool."""

    id: bytes
    name: str
    type: str
    default_queue_id: bytes
    created: int
    updated: int
    description: str | None = None
    base_job_template: dict[str, Any] = {}  # noqa: RUF012 - never written to; a NamedTuple default
    is_paused: int = 0
    concurrency_limit: int | None = None
    status: str | None = None
    storage_configuration: dict[str, Any] = {}  # noqa: RUF012


class WorkQueueRecord(NamedTuple):
    """A queue of a work pool."""

    id: bytes
    work_pool_id: bytes
    name: str
    priority: int
    created: int
    updated: int
    description: str | None = ""
    is_paused: int = 0
    concurrency_limit: int | None = None
    filter: dict[str, Any] | None = None
    last_polled: int | None = None
    status: str = "NOT_READY"


class WorkerRecord(NamedTuple):
    """A worker of a work pool."""

    id: bytes
    work_pool_id: bytes
    name: str
    created: int
    updated: int
    last_heartbeat_time: int | None = None
    heartbeat_interval_seconds: int | None = None
    status: str = "ONLINE"


_TIMES = ("created", "updated", "last_polled", "last_heartbeat_time")
POOLS = Table("work_pool", WorkPoolRecord, json=("base_job_template", "storage_configuration"), alias="p")
QUEUES = Table("work_queue", WorkQueueRecord, json=("filter",), times=_TIMES, alias="q")
WORKERS = Table("worker", WorkerRecord, times=_TIMES, alias="w")


def occupied(source: Queries, queue_ids: list[bytes]) -> dict[bytes, int]:
    """How many slots of each queue runs occupy; a queue without any is left out."""
    if not queue_ids:
        return {}
    marks = ",".join("?" * len(queue_ids))
    rows = source.rows(
        f"SELECT work_queue_id, COUNT(*) FROM flow_run WHERE work_queue_id IN ({marks}) "  # noqa: S608
        f"AND {OCCUPYING} GROUP BY work_queue_id",
        queue_ids,
    )
    return dict(rows)


def occupants(source: Queries, queue_id: bytes, *, limit: int, offset: int = 0) -> list[tuple[Any, ...]]:
    """Who occupies the slots of a queue, the oldest first: id, name, state's type, name and time, and the start."""
    return source.rows(
        "SELECT id, name, state_type, state_name, state_timestamp, start_time FROM flow_run "  # noqa: S608
        f"WHERE work_queue_id = ? AND {OCCUPYING} ORDER BY id LIMIT ? OFFSET ?",
        (queue_id, limit, offset),
    )


def make_room(cx: Transaction, pool_id: bytes, priority: int, now: int) -> None:
    """Queues of that priority and lower come one later, if there is one of that priority."""
    if QUEUES.read(cx, work_pool_id=pool_id, priority=priority) is None:
        return
    cx.execute(
        "UPDATE work_queue SET priority = priority + 1, updated = ? WHERE work_pool_id = ? AND priority >= ?",
        (now, pool_id, priority),
    )


def last_priority(cx: Transaction, pool_id: bytes) -> int:
    """The lowest priority of a pool's queues; 0 where it has none."""
    row = cx.row("SELECT MAX(priority) FROM work_queue WHERE work_pool_id = ?", (pool_id,))
    return (row[0] if row else None) or 0


def polled(cx: Transaction, queue_ids: list[bytes], now: int) -> None:
    """Somebody has asked for runs of these queues: they, and the deployments that use them, are ready."""
    marks = ",".join("?" * len(queue_ids))
    for table, column in (("work_queue", "id"), ("deployment", "work_queue_id")):
        cx.execute(
            f"UPDATE {table} SET last_polled = ?, status = 'READY' WHERE {column} IN ({marks})",  # noqa: S608
            (now, *queue_ids),
        )


def in_pool(pool_id: bytes) -> Clause:
    """Which queues, as `q`: those of a pool."""
    return clauses.compare("q.work_pool_id", "=", pool_id)


def occupied_in_pools(source: Queries, pool_ids: list[bytes]) -> dict[bytes, int]:
    """How many slots of each pool runs occupy."""
    queues = QUEUES.find(source, [clauses.any_of("q.work_pool_id", pool_ids)]) if pool_ids else []
    taken = occupied(source, [queue.id for queue in queues])
    sums = dict.fromkeys(pool_ids, 0)
    for queue in queues:
        sums[queue.work_pool_id] += taken.get(queue.id, 0)
    return sums


def leave_queues(cx: Transaction, queue_ids: list[bytes]) -> None:
    """Deployments and runs are not in these queues any more."""
    marks = ",".join("?" * len(queue_ids))
    for table in ("deployment", "flow_run"):
        cx.execute(
            f"UPDATE {table} SET work_queue_id = NULL WHERE work_queue_id IN ({marks})",  # noqa: S608
            queue_ids,
        )


def late(source: Queries, queue_id: bytes) -> int:
    """How many runs of a queue are late."""
    row = source.row(
        "SELECT COUNT(*) FROM flow_run WHERE work_queue_id = ? AND next_scheduled_start_time IS NOT NULL "
        "AND state_type = 'SCHEDULED' AND state_name = 'Late'",
        (queue_id,),
    )
    return int(row[0]) if row else 0


def mark_offline(cx: Transaction, now: int, missed: int, seconds: int) -> int:
    """Workers that have missed so many heartbeats are offline, and pools without others not ready; how many workers."""
    silent = cx.execute(
        "UPDATE worker SET status = 'OFFLINE', updated = ? WHERE status = 'ONLINE' "
        "AND last_heartbeat_time < ? - COALESCE(heartbeat_interval_seconds, ?) * ? * 1000000",
        (now, now, seconds, missed),
    ).rowcount
    if silent:
        cx.execute(
            "UPDATE work_pool SET status = 'NOT_READY', updated = ? WHERE status = 'READY' AND NOT EXISTS "
            "(SELECT 1 FROM worker w WHERE w.work_pool_id = work_pool.id AND w.status = 'ONLINE')",
            (now,),
        )
    return silent


def mark_not_ready(cx: Transaction, table: str, before: int) -> int:
    """Rows of `work_queue` or `deployment` that nobody has polled since are not ready; how many there were."""
    return cx.execute(
        f"UPDATE {table} SET status = 'NOT_READY' WHERE status = 'READY' AND last_polled < ?",  # noqa: S608
        (before,),
    ).rowcount
