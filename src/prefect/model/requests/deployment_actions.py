"""What makes, changes, runs and lists deployments."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator
from typing_extensions import Self

from prefect._base.parameter_schema import complaint
from prefect.model.base import DateTime, Labels, Name, PrefectBaseModel
from prefect.model.concurrency import ConcurrencyOptions
from prefect.model.deployments import VersionInfo
from prefect.model.policies import FlowRunPolicy
from prefect.model.requests.base import ActionBaseModel, NumberedPage, Page
from prefect.model.requests.deployments import DeploymentFilter, DeploymentSort
from prefect.model.requests.joint import JointFilter
from prefect.model.requests.states import StateCreate
from prefect.model.schedules import SCHEDULE_TYPES, CatchUp, Overlap

Positive = Annotated[int, Field(gt=0)]


class DeploymentScheduleCreate(ActionBaseModel):
    """A new schedule. `replaces` is the slug of one that it takes the place of."""

    schedule: SCHEDULE_TYPES
    active: bool = True
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    slug: str | None = None
    replaces: str | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None


class DeploymentScheduleUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    schedule: SCHEDULE_TYPES | None = None
    active: bool | None = None
    max_scheduled_runs: Positive | None = None
    parameters: dict[str, Any] | None = None
    slug: str | None = None
    replaces: str | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None


class DeploymentCreate(ActionBaseModel):
    """A new deployment, or the new form of the flow's deployment of that name."""

    name: Name
    flow_id: UUID
    paused: bool | None = None
    schedules: list[DeploymentScheduleCreate] = Field(default_factory=list[DeploymentScheduleCreate])
    concurrency_limit: Positive | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit_id: UUID | None = None
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = Field(default_factory=dict)
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    description: str | None = None
    path: str | None = None
    entrypoint: str | None = None
    job_variables: dict[str, Any] = Field(default_factory=dict)
    version: str | None = None
    version_info: VersionInfo | None = None
    branch: str | None = None
    base: UUID | None = None
    root: UUID | None = None

    @model_validator(mode="after")
    def parameters_fit_the_schema(self) -> Self:
        """What is given must fit; what is missing may be given with the run."""
        schema = self.parameter_openapi_schema
        if schema and self.enforce_parameter_schema is not False:
            wrong = complaint(self.parameters, schema, missing_is_wrong=False)
            if wrong is not None:
                raise ValueError(wrong)
        return self


class DeploymentUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    version: str | None = None
    version_info: VersionInfo | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    paused: bool | None = None
    schedules: list[DeploymentScheduleUpdate] | None = None
    concurrency_limit: Positive | None = None
    concurrency_options: ConcurrencyOptions | None = None
    global_concurrency_limit_id: UUID | None = None
    tags: list[str] = Field(default_factory=list)
    work_queue_name: str | None = None
    work_pool_name: str | None = None
    path: str | None = None
    job_variables: dict[str, Any] | None = Field(default_factory=dict)
    entrypoint: str | None = None
    storage_document_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    enforce_parameter_schema: bool | None = None
    parameter_openapi_schema: dict[str, Any] | None = Field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None


class DeploymentFlowRunCreate(ActionBaseModel):
    """A run of a deployment. What is not set is the deployment's; tags, labels and parameters come on top of its."""

    state: StateCreate | None = None
    name: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    idempotency_key: str | None = None
    parent_task_run_id: UUID | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None
    labels: Labels = Field(default_factory=dict)


class FilterDeployments(JointFilter, Page):
    """The body of a search."""

    sort: DeploymentSort = DeploymentSort.NAME_ASC


class PaginateDeployments(JointFilter, NumberedPage):
    """The body of a search for a page."""

    sort: DeploymentSort = DeploymentSort.NAME_ASC


class DeleteDeployments(PrefectBaseModel):
    """Which deployments to remove, at most `limit`."""

    deployments: DeploymentFilter | None = None
    limit: int = Field(default=50, ge=1, le=50)


class ScheduledOfDeployments(PrefectBaseModel):
    """Of which deployments runs are wanted that are due before a time."""

    deployment_ids: list[UUID]
    scheduled_before: DateTime | None = None
    limit: int | None = Field(default=None, ge=0)


class ScheduleDeployment(PrefectBaseModel):
    """Between which times runs are made for the schedules, and how many; `min_time` is in seconds."""

    start_time: DateTime | None = None
    end_time: DateTime | None = None
    min_time: float | None = Field(default=None, ge=0)
    min_runs: int | None = Field(default=None, ge=1)
    max_runs: int | None = Field(default=None, ge=1)
