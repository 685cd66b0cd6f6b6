"""Which task workers."""

from __future__ import annotations

from prefect.model.requests.base import FilterModel, NullIsNothing


class TaskWorkerFilter(FilterModel):
    """By the tasks that they take: one of these is enough."""

    task_keys: list[str]


class FilterTaskWorkers(NullIsNothing):
    """A body of `/task_workers/filter`."""

    task_worker_filter: TaskWorkerFilter | None = None
