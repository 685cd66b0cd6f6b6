"""Runs that wait in the queues of work pools, for whoever polls; and who occupies the queues' slots."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.deployment_views import deployment_of
from prefect._api.endpoint import endpoint
from prefect._api.limits import limit_of
from prefect._api.work_pools import pool_named
from prefect._api.work_queues import queue_named, queue_of, queues_shown
from prefect._base.clock import now_us, to_datetime, to_us
from prefect._storage import scheduled_runs
from prefect._storage import work_pools as rows
from prefect._storage.work_pools import POOLS, QUEUES
from prefect.model.requests.base import NumberedPage
from prefect.model.requests.work_pool_actions import (
    ConcurrencyOfWorkPool,
    ScheduledOfWorkPool,
    ScheduledOfWorkQueue,
)
from prefect.model.runs import FlowRun
from prefect.model.work_pools import (
    FlowRunSlotSummary,
    WorkerFlowRunResponse,
    WorkPoolConcurrencyStatus,
    WorkQueueConcurrencyStatus,
    WorkQueueConcurrencyStatusDetail,
    WorkQueueHealthPolicy,
    WorkQueueResponse,
    WorkQueueStatusDetail,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from prefect._storage.protocol import Queries
    from prefect._storage.work_pools import WorkPoolRecord, WorkQueueRecord
    from prefect.model.records import FlowRunRecord

SECOND = 1_000_000


@endpoint("POST", "/work_pools/{name}/get_scheduled_flow_runs", audited=False)
def get_scheduled_flow_runs(
    api: Api, name: str, body: ScheduledOfWorkPool | None = None
) -> list[WorkerFlowRunResponse]:
    """Runs for a worker: by the priority of their queues, then by their time.

    A paused pool or queue has none, and a limited one no more than it has free slots.

    Raises:
        ObjectNotFound: there is no such pool or queue.
    """
    asked = body or ScheduledOfWorkPool()
    pool = pool_named(api.store, name)
    if asked.work_queue_names:
        named = (queue_named(api.store, name, one) for one in asked.work_queue_names)
        queues = sorted(named, key=lambda queue: (queue.priority, queue.id))
    else:
        queues = QUEUES.find(api.store, [rows.in_pool(pool.id)], order="priority, id")
    if not queues:
        return []
    found = _take(api.store, pool, queues, asked)
    with api.store.write() as cx:
        rows.polled(cx, [queue.id for queue in queues], now_us())
    pool_id = UUID(bytes=pool.id)
    return [
        WorkerFlowRunResponse(work_pool_id=pool_id, work_queue_id=run.work_queue_id, flow_run=run)
        for run in map(FlowRun.from_record, found)
        if run.work_queue_id is not None
    ]


@endpoint("POST", "/work_queues/{id}/get_runs", audited=False)
def read_work_queue_runs(api: Api, id: UUID, body: ScheduledOfWorkQueue | None = None) -> list[FlowRun]:
    """The runs of a queue that wait, the earliest first. Raises ObjectNotFound."""
    asked = body or ScheduledOfWorkQueue()
    queue = queue_of(api.store, id)
    pool = POOLS.read(api.store, id=queue.work_pool_id)
    found = _take(api.store, pool, [queue], asked) if pool else []
    with api.store.write() as cx:
        rows.polled(cx, [queue.id], now_us())
    return [FlowRun.from_record(record) for record in found]


@endpoint("GET", "/deployments/{id}/work_queue_check")
def work_queue_check_for_deployment(api: Api, id: UUID) -> list[WorkQueueResponse]:
    """The queue from which somebody may take the deployment's runs, if it is in one. Raises ObjectNotFound."""
    deployment = deployment_of(api.store, id)
    queue = QUEUES.read(api.store, id=deployment.work_queue_id) if deployment.work_queue_id else None
    return queues_shown(api.store, [queue] if queue else [])


@endpoint("GET", "/work_queues/{id}/status")
def read_work_queue_status(api: Api, id: UUID) -> WorkQueueStatusDetail:
    """Whether a queue is polled, and nothing in it late. Raises ObjectNotFound."""
    queue = queue_of(api.store, id)
    policy = WorkQueueHealthPolicy(maximum_late_runs=0, maximum_seconds_since_last_polled=60)
    late = rows.late(api.store, queue.id)
    polled = queue.last_polled is not None and now_us() - queue.last_polled <= 60 * SECOND
    return WorkQueueStatusDetail(
        healthy=polled and not late,
        late_runs_count=late,
        last_polled=_time(queue.last_polled),
        health_check_policy=policy,
    )


@endpoint("POST", "/work_pools/{name}/concurrency_status", role="viewer")
def read_work_pool_concurrency_status(
    api: Api, name: str, body: ConcurrencyOfWorkPool | None = None
) -> WorkPoolConcurrencyStatus:
    """Who occupies the slots of a pool, queue by queue. Raises ObjectNotFound."""
    asked = body or ConcurrencyOfWorkPool()
    limit = limit_of(asked.limit)
    pool = pool_named(api.store, name)
    conditions = [rows.in_pool(pool.id)]
    queues = QUEUES.find(
        api.store, conditions, order="priority, id", limit=limit, offset=(asked.page - 1) * limit
    )
    taken = rows.occupied(api.store, [queue.id for queue in queues])
    count = QUEUES.count(api.store, conditions)
    return WorkPoolConcurrencyStatus(
        active_slots=rows.occupied_in_pools(api.store, [pool.id])[pool.id],
        concurrency_limit=pool.concurrency_limit,
        queues=[
            WorkQueueConcurrencyStatusDetail(
                queue_id=UUID(bytes=queue.id),
                queue_name=queue.name,
                active_slots=taken.get(queue.id, 0),
                concurrency_limit=queue.concurrency_limit,
                flow_runs=_occupants(api.store, queue.id, limit=asked.flow_run_limit),
                flow_run_count=taken.get(queue.id, 0),
            )
            for queue in queues
        ],
        **_paging(count, limit, asked.page),
    )


@endpoint("POST", "/work_queues/{id}/concurrency_status", role="viewer")
def read_work_queue_concurrency_status(
    api: Api, id: UUID, body: NumberedPage | None = None
) -> WorkQueueConcurrencyStatus:
    """Who occupies the slots of a queue. Raises ObjectNotFound."""
    asked = body or NumberedPage()
    limit = limit_of(asked.limit)
    queue = queue_of(api.store, id)
    taken = rows.occupied(api.store, [queue.id]).get(queue.id, 0)
    offset = (asked.page - 1) * limit
    return WorkQueueConcurrencyStatus(
        active_slots=taken,
        concurrency_limit=queue.concurrency_limit,
        flow_runs=_occupants(api.store, queue.id, limit=limit, offset=offset),
        **_paging(taken, limit, asked.page),
    )


def _take(
    source: Queries,
    pool: WorkPoolRecord,
    queues: Sequence[WorkQueueRecord],
    asked: ScheduledOfWorkPool | ScheduledOfWorkQueue,
) -> list[FlowRunRecord]:
    """What waits in the queues and fits, in their order."""
    left = limit_of(asked.limit)
    before = to_us(asked.scheduled_before) if asked.scheduled_before else None
    after = asked.scheduled_after if isinstance(asked, ScheduledOfWorkPool) else None
    if pool.is_paused:
        return []
    if pool.concurrency_limit is not None:
        left = min(left, pool.concurrency_limit - rows.occupied_in_pools(source, [pool.id])[pool.id])
    taken = rows.occupied(source, [one.id for one in queues if one.concurrency_limit is not None])
    found: list[FlowRunRecord] = []
    for queue in queues:
        free = left - len(found)
        if queue.concurrency_limit is not None:
            free = min(free, queue.concurrency_limit - taken.get(queue.id, 0))
        if free > 0 and not queue.is_paused:
            found += scheduled_runs.of_queue(
                source, queue.id, before=before, after=to_us(after) if after else None, limit=free
            )
    return found


def _occupants(source: Queries, queue_id: bytes, *, limit: int, offset: int = 0) -> list[FlowRunSlotSummary]:
    now = now_us()
    return [
        FlowRunSlotSummary(
            id=UUID(bytes=run_id),
            name=name,
            state_type=state_type,
            state_name=state_name,
            start_time=_time(start),
            state_timestamp=to_datetime(since),
            time_in_current_state=to_datetime(max(now, since)) - to_datetime(since),
        )
        for run_id, name, state_type, state_name, since, start in rows.occupants(
            source, queue_id, limit=limit, offset=offset
        )
    ]


def _paging(count: int, limit: int, page: int) -> dict[str, int]:
    return {"count": count, "limit": limit, "pages": -(-count // limit) if limit else 0, "page": page}


def _time(stored: int | None) -> datetime | None:
    return None if stored is None else to_datetime(stored)
