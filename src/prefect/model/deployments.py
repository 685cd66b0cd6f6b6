"""Flows that are deployed: run on a schedule or on request, elsewhere."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from prefect.model.base import (
    CreatedBy,
    DateTime,
    Labels,
    Name,
    NamedEnum,
    ObjectBaseModel,
    PrefectBaseModel,
    UpdatedBy,
)
from prefect.model.concurrency import ConcurrencyOptions, GlobalConcurrencyLimitResponse
from prefect.model.schedules import SCHEDULE_TYPES, CatchUp, Overlap


class DeploymentStatus(NamedEnum):
    """Whether somebody polls for the runs of a deployment."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    DISABLED = "DISABLED"


class DeploymentSchedule(ObjectBaseModel):
    """One schedule of a deployment; `parameters` override the deployment's for its runs.

    `overlap` and `catch_up` are ours: they are shown only where they are set, so that Prefect's clients find what
    they know.
    """

    deployment_id: UUID | None = None
    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: int | None = Field(default=None, gt=0)
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None

    @model_serializer(mode="wrap")
    def _shown(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        shown: dict[str, Any] = serialize(self)
        return {
            name: value
            for name, value in shown.items()
            if value is not None or name not in {"overlap", "catch_up"}
        }


class VersionInfo(PrefectBaseModel):
    """Where a version comes from; any further fields are kept."""

    model_config = ConfigDict(extra="allow")

    type: str
    version: str


class BranchingScheduleHandling(NamedEnum):
    """What becomes of the schedules in a branch of a deployment."""

    KEEP = "keep"
    REMOVE = "remove"
    INACTIVE = "inactive"


class DeploymentBranchingOptions(ObjectBaseModel):
    """How a deployment is branched."""

    schedule_handling: BranchingScheduleHandling = BranchingScheduleHandling.REMOVE


class Deployment(ObjectBaseModel):
    """A flow with where, when and with what it runs."""

    name: Name
    version: str | None = None
    version_id: UUID | None = None
    version_info: VersionInfo | None = None
    description: str | None = None
    flow_id: UUID
    paused: bool = False
    concurrency_limit: int | None = None
    schedules: list[DeploymentSchedule] = Field(default_factory=list[DeploymentSchedule])
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    work_queue_name: str | None = None
    last_polled: DateTime | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    path: str | None = None
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    created_by: CreatedBy | None = None
    updated_by: UpdatedBy | None = None
    work_queue_id: UUID | None = None
    enforce_parameter_schema: bool = True


class DeploymentResponse(ObjectBaseModel):
    """A deployment, as it is answered. `concurrency_limit` is of older clients: the limit is the global one."""

    name: str
    version: str | None = None
    version_id: UUID | None = None
    version_info: VersionInfo | None = None
    branch: str | None = None
    base: UUID | None = None
    root: UUID | None = None
    description: str | None = None
    flow_id: UUID
    paused: bool = False
    schedules: list[DeploymentSchedule] = Field(default_factory=list[DeploymentSchedule])
    concurrency_limit: int | None = None
    global_concurrency_limit: GlobalConcurrencyLimitResponse | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    work_queue_name: str | None = None
    work_queue_id: UUID | None = None
    last_polled: DateTime | None = None
    parameter_openapi_schema: dict[str, Any] | None = None
    path: str | None = None
    pull_steps: list[dict[str, Any]] | None = None
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    created_by: CreatedBy | None = None
    updated_by: UpdatedBy | None = None
    work_pool_name: str | None = None
    status: DeploymentStatus | None = DeploymentStatus.NOT_READY
    enforce_parameter_schema: bool = True


class DeploymentPaginationResponse(PrefectBaseModel):
    """A page of deployments."""

    results: list[DeploymentResponse]
    count: int
    limit: int
    pages: int
    page: int


class DeploymentBulkDeleteResponse(PrefectBaseModel):
    """Which deployments were removed."""

    deleted: list[UUID] = Field(default_factory=list[UUID])


class FlowRunCreateResult(PrefectBaseModel):
    """What became of one of several runs that were asked for."""

    flow_run_id: UUID | None = None
    status: str
    error: str | None = None


class FlowRunBulkCreateResponse(PrefectBaseModel):
    """What became of the runs that were asked for, in their order."""

    results: list[FlowRunCreateResult] = Field(default_factory=list[FlowRunCreateResult])
