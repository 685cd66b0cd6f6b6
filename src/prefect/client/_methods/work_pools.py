"""Work pools, their queues and workers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api import polled_runs, work_pools, work_queues, workers
from prefect.client._method import Caller, method
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.requests.base import NumberedPage
from prefect.model.requests.work_pool_actions import (
    ConcurrencyOfWorkPool,
    FilterWorkers,
    FilterWorkPools,
    FilterWorkQueues,
    ScheduledOfWorkPool,
    ScheduledOfWorkQueue,
    WorkerHeartbeat,
    WorkPoolUpdate,
    WorkQueueCreate,
    WorkQueueUpdate,
)

if TYPE_CHECKING:
    from prefect.client._method import Steps
    from prefect.model.requests.work_pool_actions import WorkerFilter, WorkPoolCreate
    from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter
    from prefect.model.runs import FlowRun
    from prefect.model.work_pools import (
        WorkerFlowRunResponse,
        WorkerMetadata,
        WorkerResponse,
        WorkPoolConcurrencyStatus,
        WorkPoolResponse,
        WorkQueueConcurrencyStatus,
        WorkQueueResponse,
        WorkQueueStatusDetail,
    )


class WorkPoolMethods(Caller):
    """What both clients ask about work pools."""

    @method
    def create_work_pool(self, work_pool: WorkPoolCreate, overwrite: bool = False) -> Steps[WorkPoolResponse]:
        """Make a work pool; with `overwrite`, or change the one of that name.

        Raises ObjectAlreadyExists where the name is taken.
        """
        try:
            yield self._ask(work_pools.create_work_pool, body=work_pool)
        except ObjectAlreadyExists:
            if not overwrite:
                raise
            given = work_pool.model_dump(exclude_unset=True, exclude={"name", "type"})
            changes = WorkPoolUpdate.model_validate(given)
            yield self._ask(work_pools.update_work_pool, name=work_pool.name, body=changes)
        return (yield self._ask(work_pools.read_work_pool, name=work_pool.name))

    @method
    def read_work_pool(self, work_pool_name: str) -> Steps[WorkPoolResponse]:
        """The pool of that name. Raises ObjectNotFound."""
        return (yield self._ask(work_pools.read_work_pool, name=work_pool_name))

    @method
    def read_work_pools(
        self, limit: int | None = None, offset: int = 0, work_pool_filter: WorkPoolFilter | None = None
    ) -> Steps[list[WorkPoolResponse]]:
        """The pools that pass the filter, by name."""
        body = FilterWorkPools(work_pools=work_pool_filter, limit=limit, offset=offset)
        return (yield self._ask(work_pools.read_work_pools, body=body))

    @method
    def update_work_pool(self, work_pool_name: str, work_pool: WorkPoolUpdate) -> Steps[None]:
        """Change a pool: what is set. Raises ObjectNotFound."""
        yield self._ask(work_pools.update_work_pool, name=work_pool_name, body=work_pool)

    @method
    def delete_work_pool(self, work_pool_name: str) -> Steps[None]:
        """Remove a pool with its queues and workers. Raises ObjectNotFound."""
        yield self._ask(work_pools.delete_work_pool, name=work_pool_name)

    @method
    def get_scheduled_flow_runs_for_work_pool(
        self,
        work_pool_name: str,
        work_queue_names: list[str] | None = None,
        scheduled_before: datetime | None = None,
    ) -> Steps[list[WorkerFlowRunResponse]]:
        """Runs for a worker: by the priority of their queues, then by their time. Raises ObjectNotFound."""
        body = ScheduledOfWorkPool(work_queue_names=work_queue_names, scheduled_before=scheduled_before)
        return (yield self._ask(polled_runs.get_scheduled_flow_runs, name=work_pool_name, body=body))

    @method
    def read_work_pool_concurrency_status(
        self, work_pool_name: str, page: int = 1, limit: int | None = None, flow_run_limit: int = 10
    ) -> Steps[WorkPoolConcurrencyStatus]:
        """Who occupies the slots of a pool, queue by queue. Raises ObjectNotFound."""
        body = ConcurrencyOfWorkPool(page=page, limit=limit, flow_run_limit=flow_run_limit)
        asked = polled_runs.read_work_pool_concurrency_status
        return (yield self._ask(asked, name=work_pool_name, body=body))

    @method
    def send_worker_heartbeat(
        self,
        work_pool_name: str,
        worker_name: str,
        heartbeat_interval_seconds: float | None = None,
        get_worker_id: bool = False,
        worker_metadata: WorkerMetadata | None = None,  # noqa: ARG002 - a public signature
    ) -> Steps[UUID | None]:
        """Say that a worker is alive; with `get_worker_id`, its id. Raises ObjectNotFound for the pool.

        The metadata are for hosted services.
        """
        seconds = None if heartbeat_interval_seconds is None else round(heartbeat_interval_seconds)
        body = WorkerHeartbeat(name=worker_name, heartbeat_interval_seconds=seconds)
        yield self._ask(workers.worker_heartbeat, work_pool_name=work_pool_name, body=body)
        if not get_worker_id:
            return None
        found: list[WorkerResponse] = yield self._ask(workers.read_workers, work_pool_name=work_pool_name)
        return next((worker.id for worker in found if worker.name == worker_name), None)

    @method
    def read_workers_for_work_pool(
        self,
        work_pool_name: str,
        worker_filter: WorkerFilter | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> Steps[list[WorkerResponse]]:
        """The workers of a pool, the last sign of life first. Raises ObjectNotFound."""
        body = FilterWorkers(workers=worker_filter, offset=offset or 0, limit=limit)
        return (yield self._ask(workers.read_workers, work_pool_name=work_pool_name, body=body))


class WorkQueueMethods(Caller):
    """What both clients ask about work queues."""

    @method
    def create_work_queue(
        self,
        name: str,
        description: str | None = None,
        is_paused: bool | None = None,
        concurrency_limit: int | None = None,
        priority: int | None = None,
        work_pool_name: str | None = None,
    ) -> Steps[WorkQueueResponse]:
        """Make a queue, in the default pool unless another is named. Raises ObjectNotFound, ObjectAlreadyExists."""
        given: dict[str, Any] = {
            "description": description,
            "is_paused": is_paused,
            "concurrency_limit": concurrency_limit,
            "priority": priority,
        }
        given = {key: value for key, value in given.items() if value is not None}
        body = WorkQueueCreate.model_validate({"name": name, **given})
        if work_pool_name is None:
            return (yield self._ask(work_queues.create_work_queue, body=body))
        asked = work_queues.create_work_pool_queue
        return (yield self._ask(asked, work_pool_name=work_pool_name, body=body))

    @method
    def read_work_queue(self, id: UUID) -> Steps[WorkQueueResponse]:
        """One queue. Raises ObjectNotFound."""
        return (yield self._ask(work_queues.read_work_queue, id=id))

    @method
    def read_work_queue_by_name(
        self, name: str, work_pool_name: str | None = None
    ) -> Steps[WorkQueueResponse]:
        """The queue of that name, in the default pool unless another is named. Raises ObjectNotFound."""
        if work_pool_name is None:
            return (yield self._ask(work_queues.read_work_queue_by_name, name=name))
        asked = work_queues.read_work_pool_queue
        return (yield self._ask(asked, work_pool_name=work_pool_name, name=name))

    @method
    def read_work_queues(
        self,
        work_pool_name: str | None = None,
        work_queue_filter: WorkQueueFilter | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Steps[list[WorkQueueResponse]]:
        """The queues that pass the filter, of one pool or of all. Raises ObjectNotFound for a pool."""
        body = FilterWorkQueues(work_queues=work_queue_filter, limit=limit, offset=offset or 0)
        if work_pool_name is None:
            return (yield self._ask(work_queues.read_work_queues, body=body))
        asked = work_queues.read_work_pool_queues
        return (yield self._ask(asked, work_pool_name=work_pool_name, body=body))

    @method
    def match_work_queues(
        self, prefixes: list[str], work_pool_name: str | None = None
    ) -> Steps[list[WorkQueueResponse]]:
        """All queues whose names begin with one of the prefixes. Raises ObjectNotFound for a pool."""
        found: list[WorkQueueResponse] = []
        while True:
            asked = {"work_queues": {"name": {"startswith_": prefixes}}, "offset": len(found)}
            body = FilterWorkQueues.model_validate(asked)
            if work_pool_name is None:
                page = yield self._ask(work_queues.read_work_queues, body=body)
            else:
                ask = work_queues.read_work_pool_queues
                page = yield self._ask(ask, work_pool_name=work_pool_name, body=body)
            found += page
            if not page:
                return found

    @method
    def update_work_queue(self, id: UUID, **kwargs: Any) -> Steps[None]:
        """Change a queue: the fields that are given. Raises ObjectNotFound; ValueError where none is."""
        if not kwargs:
            raise ValueError("Expected a field to change, got none.")
        yield self._ask(work_queues.update_work_queue, id=id, body=WorkQueueUpdate.model_validate(kwargs))

    @method
    def delete_work_queue_by_id(self, id: UUID) -> Steps[None]:
        """Remove a queue. Raises ObjectNotFound."""
        yield self._ask(work_queues.delete_work_queue, id=id)

    @method
    def get_runs_in_work_queue(
        self, id: UUID, limit: int = 10, scheduled_before: datetime | None = None
    ) -> Steps[list[FlowRun]]:
        """The runs of a queue that wait, the earliest first. Raises ObjectNotFound."""
        body = ScheduledOfWorkQueue(limit=limit, scheduled_before=scheduled_before)
        return (yield self._ask(polled_runs.read_work_queue_runs, id=id, body=body))

    @method
    def read_work_queue_status(self, id: UUID) -> Steps[WorkQueueStatusDetail]:
        """Whether a queue is polled, and nothing in it late. Raises ObjectNotFound."""
        return (yield self._ask(polled_runs.read_work_queue_status, id=id))

    @method
    def read_work_queue_concurrency_status(
        self, id: UUID, page: int = 1, limit: int | None = None
    ) -> Steps[WorkQueueConcurrencyStatus]:
        """Who occupies the slots of a queue. Raises ObjectNotFound."""
        body = NumberedPage(page=page, limit=limit)
        return (yield self._ask(polled_runs.read_work_queue_concurrency_status, id=id, body=body))
