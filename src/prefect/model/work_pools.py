"""Who executes deployed runs: pools, their queues and workers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from pydantic import ConfigDict, Field

from prefect.model.base import DateTime, Name, NamedEnum, ObjectBaseModel, PrefectBaseModel
from prefect.model.names import random_name
from prefect.model.runs import FlowRun
from prefect.model.state import StateType


class WorkPoolStatus(NamedEnum):
    """Whether a pool has workers online."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class WorkerStatus(NamedEnum):
    """Whether a worker sends heartbeats."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class WorkQueueStatus(NamedEnum):
    """Whether a queue is polled."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class QueueFilter(PrefectBaseModel):
    """Which runs a queue takes (the older kind of queue)."""

    tags: list[str] | None = None
    deployment_ids: list[UUID] | None = None


class WorkQueue(ObjectBaseModel):
    """Runs that wait for a worker, by priority (1 is the highest)."""

    name: Name
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = Field(default=None, ge=0)
    priority: int = Field(default=1, gt=0)
    work_pool_name: str | None = None
    work_pool_id: UUID | None
    filter: QueueFilter | None = None
    last_polled: DateTime | None = None
    status: WorkQueueStatus | None = None
    active_slots: int | None = None


class WorkQueueHealthPolicy(PrefectBaseModel):
    """When a queue counts as healthy."""

    maximum_late_runs: int | None = 0
    maximum_seconds_since_last_polled: int | None = 60


class WorkQueueStatusDetail(PrefectBaseModel):
    """Whether a queue is healthy, and why."""

    healthy: bool
    late_runs_count: int = 0
    last_polled: DateTime | None = None
    health_check_policy: WorkQueueHealthPolicy


class Agent(ObjectBaseModel):
    """Who polled a queue (the older kind of worker)."""

    name: str = Field(default_factory=random_name)
    work_queue_id: UUID
    last_activity_time: DateTime | None = None


class WorkPoolStorageConfiguration(PrefectBaseModel):
    """Where a pool keeps code and results."""

    bundle_upload_step: dict[str, Any] | None = None
    bundle_execution_step: dict[str, Any] | None = None
    default_result_storage_block_id: UUID | None = None


class ServerDefaultResultStorage(PrefectBaseModel):
    """Where results go that name no place."""

    default_result_storage_block_id: UUID | None = None


class ServerDefaultResultStorageUpdate(PrefectBaseModel):
    """Another place for results that name none."""

    default_result_storage_block_id: UUID


class WorkPool(ObjectBaseModel):
    """A kind of infrastructure, and how its jobs are made."""

    name: Name
    description: str | None = None
    type: str
    base_job_template: dict[str, Any] = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: int | None = Field(default=None, ge=0)
    status: WorkPoolStatus | None = None
    active_slots: int | None = None
    storage_configuration: WorkPoolStorageConfiguration = Field(default_factory=WorkPoolStorageConfiguration)
    default_queue_id: UUID = cast("UUID", None)  # always there once stored

    @property
    def is_push_pool(self) -> bool:
        """Whether runs are pushed to a service instead of being polled for."""
        return self.type.endswith(":push")

    @property
    def is_managed_pool(self) -> bool:
        """Whether a service executes the runs."""
        return self.type.endswith(":managed")


class Worker(ObjectBaseModel):
    """A process that executes the runs of a pool."""

    name: str
    work_pool_id: UUID
    last_heartbeat_time: datetime | None = None
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = WorkerStatus.OFFLINE


class Integration(PrefectBaseModel):
    """An installed package that adds to this one."""

    name: str
    version: str


class WorkerMetadata(PrefectBaseModel):
    """What a worker tells of itself; any further fields are kept."""

    model_config = ConfigDict(extra="allow")

    integrations: list[Integration]


class WorkPoolResponse(WorkPool):
    """A pool, as it is answered."""


class WorkQueueResponse(WorkQueue):
    """A queue, as it is answered."""

    work_pool_id: UUID | None = None


class WorkerResponse(Worker):
    """A worker, as it is answered."""

    last_heartbeat_time: DateTime | None = None


class WorkerFlowRunResponse(PrefectBaseModel):
    """A run for a worker, and whence it comes."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: FlowRun


class FlowRunSlotSummary(PrefectBaseModel):
    """A run that occupies a slot. `time_in_current_state` is in seconds."""

    id: UUID
    name: str
    state_type: StateType | None = None
    state_name: str | None = None
    start_time: DateTime | None = None
    state_timestamp: DateTime | None = None
    time_in_current_state: timedelta | None = None


class WorkQueueConcurrencyStatusDetail(PrefectBaseModel):
    """Who occupies the slots of one queue of a pool."""

    queue_id: UUID
    queue_name: str
    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = Field(default_factory=list[FlowRunSlotSummary])
    flow_run_count: int | None = None


class WorkPoolConcurrencyStatus(PrefectBaseModel):
    """Who occupies the slots of a pool, queue by queue."""

    active_slots: int
    concurrency_limit: int | None = None
    queues: list[WorkQueueConcurrencyStatusDetail] = Field(
        default_factory=list[WorkQueueConcurrencyStatusDetail]
    )
    count: int
    limit: int
    pages: int
    page: int


class WorkQueueConcurrencyStatus(PrefectBaseModel):
    """Who occupies the slots of a queue."""

    active_slots: int
    concurrency_limit: int | None = None
    flow_runs: list[FlowRunSlotSummary] = Field(default_factory=list[FlowRunSlotSummary])
    count: int
    limit: int
    pages: int
    page: int
