"""Task workers that are connected to a server on this store."""

from __future__ import annotations

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._backend import task_workers
from prefect._base.clock import to_datetime
from prefect.model.observed import TaskWorkerResponse
from prefect.model.requests.task_workers import FilterTaskWorkers


@endpoint("POST", "/task_workers/filter")
def read_task_workers(api: Api, body: FilterTaskWorkers | None = None) -> list[TaskWorkerResponse]:
    """The workers that wait for runs, all of them or those that take one of some tasks."""
    asked = body.task_worker_filter if body else None
    return [
        TaskWorkerResponse(identifier=one.name, task_keys=one.task_keys, timestamp=to_datetime(one.seen))
        for one in task_workers.present(api.store)
        if asked is None or set(asked.task_keys).intersection(one.task_keys)
    ]
