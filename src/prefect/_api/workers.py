"""Workers: processes that take the runs of a work pool, and tell that they are alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.filtering.parts import part, times
from prefect._api.limits import page_of
from prefect._api.work_pools import pool_named
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import clauses
from prefect._storage.clauses import Clause, joined
from prefect._storage.work_pools import POOLS, WORKERS, WorkerRecord
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.work_pool_actions import (
    FilterWorkers,
    WorkerFilter,
    WorkerFilterStatus,
    WorkerHeartbeat,
)
from prefect.model.work_pools import WorkerResponse

if TYPE_CHECKING:
    from typing import Any


@endpoint("POST", "/work_pools/{work_pool_name}/workers/heartbeat", status=204, audited=False)
def worker_heartbeat(api: Api, work_pool_name: str, body: WorkerHeartbeat) -> None:
    """A worker of the pool is alive. Raises ObjectNotFound."""
    now = now_us()
    changes: dict[str, Any] = {
        "last_heartbeat_time": now,
        "heartbeat_interval_seconds": body.heartbeat_interval_seconds,
        "status": "ONLINE",
        "updated": now,
    }
    with api.store.write() as cx:
        pool = pool_named(cx, work_pool_name)
        worker = WORKERS.read(cx, work_pool_id=pool.id, name=body.name)
        if worker is None:
            worker = WorkerRecord(new_id(), pool.id, body.name, now, now)
            WORKERS.insert(cx, worker)
        WORKERS.update(cx, worker.id, changes)
        if pool.status != "READY":
            POOLS.update(cx, pool.id, {"status": "READY", "updated": now})


@endpoint("POST", "/work_pools/{work_pool_name}/workers/filter")
def read_workers(api: Api, work_pool_name: str, body: FilterWorkers | None = None) -> list[WorkerResponse]:
    """The workers of a pool that pass the filter, the last sign of life first. Raises ObjectNotFound."""
    asked = body or FilterWorkers()
    conditions = [clauses.compare("w.work_pool_id", "=", pool_named(api.store, work_pool_name).id)]
    conditions += part(asked.workers, _worker)
    order = "COALESCE(last_heartbeat_time, 0) DESC, id"
    found = WORKERS.find(api.store, conditions, order=order, **page_of(asked))
    return [WorkerResponse.model_validate(WORKERS.shown(one)) for one in found]


@endpoint("DELETE", "/work_pools/{work_pool_name}/workers/{name}", status=204)
def delete_worker(api: Api, work_pool_name: str, name: str) -> None:
    """Forget a worker. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not WORKERS.delete(cx, work_pool_id=pool_named(cx, work_pool_name).id, name=name):
            raise ObjectNotFound(help_message="Worker not found.")


def _worker(asked: WorkerFilter) -> Clause:
    """Which workers, as `w`."""
    seen = part(asked.last_heartbeat_time, lambda one: joined("and_", times("w.last_heartbeat_time", one)))
    return joined(asked.operator.value, seen + part(asked.status, _status))


def _status(asked: WorkerFilterStatus) -> Clause:
    found = [] if asked.any_ is None else [clauses.any_of("w.status", asked.any_)]
    if asked.not_any_ is not None:
        found.append(clauses.none_of("w.status", asked.not_any_))
    return joined("and_", found)
