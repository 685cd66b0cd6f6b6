"""Work pools: a kind of infrastructure, and the queues of runs that its workers take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._api.filtering.nouns import work_pool
from prefect._api.filtering.parts import part
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import work_pools as rows
from prefect._storage.work_pools import POOLS, QUEUES, WORKERS, WorkPoolRecord, WorkQueueRecord
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.requests.work_pool_actions import (
    CountWorkPools,
    FilterWorkPools,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.model.work_pools import WorkPoolResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction

AGENTS = "prefect-agent"  # the type of pools whose pollers send no heartbeats
DEFAULT_QUEUE = "default"


@endpoint("POST", "/work_pools/", status=201)
def create_work_pool(api: Api, body: WorkPoolCreate) -> WorkPoolResponse:
    """Make a work pool and its default queue. Raises ObjectAlreadyExists where the name is taken."""
    if body.name.lower().startswith("prefect"):
        raise Refused("Work pools starting with 'Prefect' are reserved for internal use.", status=403)
    with api.store.write() as cx:
        if POOLS.read(cx, name=body.name) is not None:
            raise ObjectAlreadyExists(None, "A work pool with this name already exists.")
        record = insert_pool(cx, body)
    return _shown(api.store, [record])[0]


def insert_pool(cx: Transaction, body: WorkPoolCreate) -> WorkPoolRecord:
    """A new pool with its default queue."""
    now = now_us()
    record = WorkPoolRecord(
        id=new_id(),
        default_queue_id=new_id(),
        created=now,
        updated=now,
        status=None if body.type == AGENTS else "NOT_READY",
        **body.model_dump(mode="json"),
    )
    POOLS.insert(cx, record)
    queue = WorkQueueRecord(record.default_queue_id, record.id, DEFAULT_QUEUE, 1, now, now)
    QUEUES.insert(cx, queue._replace(description="The work pool's default queue."))
    return record


@endpoint("GET", "/work_pools/{name}")
def read_work_pool(api: Api, name: str) -> WorkPoolResponse:
    """The pool of that name. Raises ObjectNotFound."""
    return _shown(api.store, [pool_named(api.store, name)])[0]


@endpoint("PATCH", "/work_pools/{name}", status=204)
def update_work_pool(api: Api, name: str, body: WorkPoolUpdate) -> None:
    """Change a pool. Raises ObjectNotFound."""
    changes = body.model_dump(mode="json", exclude_unset=True)
    kept = ("is_paused", "base_job_template", "storage_configuration")  # null leaves these as they are
    changes = {column: value for column, value in changes.items() if value is not None or column not in kept}
    with api.store.write() as cx:
        POOLS.update(cx, pool_named(cx, name).id, {**changes, "updated": now_us()})


@endpoint("DELETE", "/work_pools/{name}", status=204)
def delete_work_pool(api: Api, name: str) -> None:
    """Remove a pool with its queues and workers; deployments in it are left without a queue. Raises ObjectNotFound."""
    with api.store.write() as cx:
        pool = pool_named(cx, name)
        rows.leave_queues(cx, [queue.id for queue in QUEUES.find(cx, [rows.in_pool(pool.id)])])
        QUEUES.delete(cx, work_pool_id=pool.id)
        WORKERS.delete(cx, work_pool_id=pool.id)
        POOLS.delete(cx, id=pool.id)


@endpoint("POST", "/work_pools/filter")
def read_work_pools(api: Api, body: FilterWorkPools | None = None) -> list[WorkPoolResponse]:
    """The pools that pass the filter, by name."""
    asked = body or FilterWorkPools()
    found = POOLS.find(api.store, part(asked.work_pools, work_pool), order="name", **page_of(asked))
    return _shown(api.store, found)


@endpoint("POST", "/work_pools/count")
def count_work_pools(api: Api, body: CountWorkPools | None = None) -> int:
    """How many pools pass the filter."""
    return POOLS.count(api.store, part(body.work_pools if body else None, work_pool))


def pool_named(source: Queries, name: str) -> WorkPoolRecord:
    """The pool of that name. Raises ObjectNotFound."""
    record = POOLS.read(source, name=name)
    if record is None:
        raise ObjectNotFound(help_message=f'Work pool "{name}" not found.')
    return record


def _shown(source: Queries, records: Sequence[WorkPoolRecord]) -> list[WorkPoolResponse]:
    limited = [one.id for one in records if one.concurrency_limit is not None]
    taken = rows.occupied_in_pools(source, limited)
    return [
        WorkPoolResponse.model_validate(
            POOLS.shown(one)
            | {
                "status": "PAUSED" if one.is_paused else one.status,
                "active_slots": taken.get(one.id, 0) if one.id in limited else None,
            }
        )
        for one in records
    ]
