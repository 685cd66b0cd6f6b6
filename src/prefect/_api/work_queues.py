"""Work queues: the runs of a pool that wait, by priority."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._api.filtering.nouns import work_queue
from prefect._api.filtering.parts import part
from prefect._api.limits import page_of
from prefect._api.work_pools import AGENTS, insert_pool, pool_named
from prefect._base.clock import now_us, to_us
from prefect._base.ids import new_id
from prefect._storage import work_pools as rows
from prefect._storage.deployments import queue_names
from prefect._storage.work_pools import POOLS, QUEUES, WorkPoolRecord, WorkQueueRecord
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.requests.work_pool_actions import (
    FilterWorkQueues,
    WorkPoolCreate,
    WorkQueueCreate,
    WorkQueueUpdate,
)
from prefect.model.work_pools import WorkQueueResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction

_DEFAULT_POOL = "default-agent-pool"  # of queues that name no pool


@endpoint("POST", "/work_pools/{work_pool_name}/queues", status=201)
def create_work_pool_queue(api: Api, work_pool_name: str, body: WorkQueueCreate) -> WorkQueueResponse:
    """Make a queue. Raises ObjectNotFound, ObjectAlreadyExists."""
    with api.store.write() as cx:
        record = _insert_queue(cx, pool_named(cx, work_pool_name), body)
    return queues_shown(api.store, [record])[0]


@endpoint("GET", "/work_pools/{work_pool_name}/queues/{name}")
def read_work_pool_queue(api: Api, work_pool_name: str, name: str) -> WorkQueueResponse:
    """The queue of that name. Raises ObjectNotFound."""
    return queues_shown(api.store, [queue_named(api.store, work_pool_name, name)])[0]


@endpoint("PATCH", "/work_pools/{work_pool_name}/queues/{name}", status=204)
def update_work_pool_queue(api: Api, work_pool_name: str, name: str, body: WorkQueueUpdate) -> None:
    """Change a queue. Raises ObjectNotFound, ObjectAlreadyExists."""
    with api.store.write() as cx:
        _update(cx, queue_named(cx, work_pool_name, name), body)


@endpoint("DELETE", "/work_pools/{work_pool_name}/queues/{name}", status=204)
def delete_work_pool_queue(api: Api, work_pool_name: str, name: str) -> None:
    """Remove a queue. Raises ObjectNotFound; Refused for the default queue of a pool."""
    with api.store.write() as cx:
        _delete(cx, queue_named(cx, work_pool_name, name))


@endpoint("POST", "/work_pools/{work_pool_name}/queues/filter")
def read_work_pool_queues(
    api: Api, work_pool_name: str, body: FilterWorkQueues | None = None
) -> list[WorkQueueResponse]:
    """The queues of a pool that pass the filter, by priority. Raises ObjectNotFound."""
    asked = body or FilterWorkQueues()
    conditions = [rows.in_pool(pool_named(api.store, work_pool_name).id)]
    conditions += part(asked.work_queues, work_queue)
    return queues_shown(api.store, QUEUES.find(api.store, conditions, order="priority, id", **page_of(asked)))


@endpoint("POST", "/work_queues/", status=201)
def create_work_queue(api: Api, body: WorkQueueCreate) -> WorkQueueResponse:
    """Make a queue in the default pool. Raises ObjectAlreadyExists."""
    with api.store.write() as cx:
        record = _insert_queue(cx, default_pool(cx), body)
    return queues_shown(api.store, [record])[0]


@endpoint("GET", "/work_queues/{id}")
def read_work_queue(api: Api, id: UUID) -> WorkQueueResponse:
    """One queue. Raises ObjectNotFound."""
    return queues_shown(api.store, [queue_of(api.store, id)])[0]


@endpoint("GET", "/work_queues/name/{name}")
def read_work_queue_by_name(api: Api, name: str) -> WorkQueueResponse:
    """The queue of that name in the default pool. Raises ObjectNotFound."""
    pool = POOLS.read(api.store, name=_DEFAULT_POOL)
    found = pool and QUEUES.read(api.store, work_pool_id=pool.id, name=name)
    if not found:
        raise _no_queue()
    return queues_shown(api.store, [found])[0]


@endpoint("PATCH", "/work_queues/{id}", status=204)
def update_work_queue(api: Api, id: UUID, body: WorkQueueUpdate) -> None:
    """Change a queue. Raises ObjectNotFound, ObjectAlreadyExists."""
    with api.store.write() as cx:
        _update(cx, queue_of(cx, id), body)


@endpoint("DELETE", "/work_queues/{id}", status=204)
def delete_work_queue(api: Api, id: UUID) -> None:
    """Remove a queue. Raises ObjectNotFound; Refused for the default queue of a pool."""
    with api.store.write() as cx:
        _delete(cx, queue_of(cx, id))


@endpoint("POST", "/work_queues/filter")
def read_work_queues(api: Api, body: FilterWorkQueues | None = None) -> list[WorkQueueResponse]:
    """The queues of all pools that pass the filter, by name."""
    asked = body or FilterWorkQueues()
    found = QUEUES.find(api.store, part(asked.work_queues, work_queue), order="name, id", **page_of(asked))
    return queues_shown(api.store, found)


def queue_of(source: Queries, id: UUID) -> WorkQueueRecord:
    """The queue of that id. Raises ObjectNotFound."""
    record = QUEUES.read(source, id=id.bytes)
    if record is None:
        raise _no_queue()
    return record


def queue_named(source: Queries, pool_name: str, name: str) -> WorkQueueRecord:
    """The queue of that name in a pool. Raises ObjectNotFound."""
    record = QUEUES.read(source, work_pool_id=pool_named(source, pool_name).id, name=name)
    if record is None:
        raise ObjectNotFound(help_message=f"Work pool queue '{pool_name}/{name}' not found.")
    return record


def queue_for(cx: Transaction, pool_name: str | None, name: str | None) -> WorkQueueRecord | None:
    """Where the runs of a deployment go that names a pool, a queue or both; the queue is made if it is new.

    Raises:
        ObjectNotFound: there is no such pool.
    """
    if pool_name is None and name is None:
        return None
    pool = default_pool(cx) if pool_name is None else pool_named(cx, pool_name)
    if name is None:
        return QUEUES.read(cx, id=pool.default_queue_id)
    found = QUEUES.read(cx, work_pool_id=pool.id, name=name)
    return found or _insert_queue(cx, pool, WorkQueueCreate(name=name))


def default_pool(cx: Transaction) -> WorkPoolRecord:
    """The pool of queues that name none, made when it is first needed."""
    found = POOLS.read(cx, name=_DEFAULT_POOL)
    return found or insert_pool(cx, WorkPoolCreate(name=_DEFAULT_POOL, type=AGENTS))


def _insert_queue(cx: Transaction, pool: WorkPoolRecord, body: WorkQueueCreate) -> WorkQueueRecord:
    _require_free(cx, pool.id, body.name)
    now = now_us()
    given: dict[str, Any] = body.model_dump(mode="json")
    given["priority"] = body.priority or rows.last_priority(cx, pool.id) + 1
    rows.make_room(cx, pool.id, given["priority"], now)
    record = WorkQueueRecord(id=new_id(), work_pool_id=pool.id, created=now, updated=now, **given)
    QUEUES.insert(cx, record)
    return record


def _update(cx: Transaction, record: WorkQueueRecord, body: WorkQueueUpdate) -> None:
    now = now_us()
    changes: dict[str, Any] = body.model_dump(mode="json", exclude_unset=True)
    kept = ("name", "priority", "is_paused")  # null leaves these as they are
    changes = {column: value for column, value in changes.items() if value is not None or column not in kept}
    if changes.get("last_polled") is not None and body.last_polled is not None:
        changes["last_polled"] = to_us(body.last_polled)
    if changes.get("name", record.name) != record.name:
        _require_free(cx, record.work_pool_id, changes["name"])
    if changes.get("priority", record.priority) != record.priority:
        rows.make_room(cx, record.work_pool_id, changes["priority"], now)
    QUEUES.update(cx, record.id, {**changes, "updated": now})


def _delete(cx: Transaction, record: WorkQueueRecord) -> None:
    pool = POOLS.read(cx, id=record.work_pool_id)
    if pool is not None and pool.default_queue_id == record.id:
        raise Refused(
            f"Expected a queue other than the default one of work pool {pool.name!r}, got {record.name!r}. "
            "Delete the work pool instead.",
            status=409,
        )
    rows.leave_queues(cx, [record.id])
    QUEUES.delete(cx, id=record.id)


def _require_free(cx: Transaction, pool_id: bytes, name: str) -> None:
    if QUEUES.read(cx, work_pool_id=pool_id, name=name) is not None:
        raise ObjectAlreadyExists(None, f"A work queue with this name already exists: {name!r}.")


def _no_queue() -> ObjectNotFound:
    return ObjectNotFound(help_message="work queue not found")


def queues_shown(source: Queries, records: Sequence[WorkQueueRecord]) -> list[WorkQueueResponse]:
    """Queues with the names of their pools, in their order."""
    names = queue_names(source, [one.id for one in records])
    limited = [one.id for one in records if one.concurrency_limit is not None]
    taken = rows.occupied(source, limited)
    return [
        WorkQueueResponse.model_validate(
            QUEUES.shown(one)
            | {
                "work_pool_name": names[one.id][1] if one.id in names else None,
                "status": "PAUSED" if one.is_paused else one.status,
                "active_slots": taken.get(one.id, 0) if one.id in limited else None,
            }
        )
        for one in records
    ]
