"""What creates and changes flow runs, and the bodies of requests about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import Field

from prefect.model.base import DateTime, Labels, PrefectBaseModel
from prefect.model.policies import FlowRunPolicy
from prefect.model.requests.base import ActionBaseModel, NumberedPage, Page
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunSort
from prefect.model.requests.joint import JointFilter
from prefect.model.requests.states import StateCreate
from prefect.model.requests.work_pools import WorkQueueFilter

MOST_AT_ONCE = 50


class FlowRunCreate(ActionBaseModel):
    """A flow run, made unless its flow has one of that idempotency key."""

    state: StateCreate | None = None
    name: str | None = None
    flow_id: UUID
    deployment_id: UUID | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    context: dict[str, Any] = Field(default_factory=dict)
    parent_task_run_id: UUID | None = None
    infrastructure_document_id: UUID | None = None
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    idempotency_key: str | None = None
    labels: Labels = Field(default_factory=dict)
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    job_variables: dict[str, Any] | None = None


class FlowRunUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    name: str | None = None
    flow_version: str | None = None
    parameters: dict[str, Any] | None = Field(default_factory=dict)
    empirical_policy: FlowRunPolicy = Field(default_factory=FlowRunPolicy)
    tags: list[str] = Field(default_factory=list)
    infrastructure_pid: str | None = None
    job_variables: dict[str, Any] | None = None


class SetState(PrefectBaseModel):
    """A state that is proposed for a run; `force` asks few of the rules."""

    state: StateCreate
    force: bool = False


class FilterFlowRuns(Page, JointFilter):
    """The body of a search. `after` is the id of a run, behind which the list goes on, however long it is."""

    sort: FlowRunSort = FlowRunSort.ID_DESC
    after: UUID | None = None


class PaginateFlowRuns(NumberedPage, JointFilter):
    """The body of a search by pages."""

    sort: FlowRunSort = FlowRunSort.ID_DESC


class RunHistory(JointFilter):
    """How many runs were expected to start in each interval of a time."""

    history_start: DateTime
    history_end: DateTime
    history_interval_seconds: timedelta
    work_queues: WorkQueueFilter | None = None


class ChartOfFlowRuns(JointFilter):
    """The body of a search for a chart."""

    sort: FlowRunSort = FlowRunSort.EXPECTED_START_TIME_DESC
    limit: int = Field(default=1000, ge=0, le=1000)
    offset: int = Field(default=0, ge=0)


class FlowRunIds(PrefectBaseModel):
    """Some flow runs."""

    flow_run_ids: list[UUID]


class DeleteFlowRuns(PrefectBaseModel):
    """Which flow runs to remove."""

    flow_runs: FlowRunFilter | None = None
    limit: int = Field(default=MOST_AT_ONCE, ge=1, le=MOST_AT_ONCE)


class SetStates(DeleteFlowRuns):
    """A state that is proposed for many runs."""

    state: StateCreate
    force: bool = False


class ResumeFlowRun(PrefectBaseModel):
    """What a paused run was waiting for."""

    run_input: dict[str, Any] | None = None


class FlowRunInputCreate(PrefectBaseModel):
    """Something that is sent to a run."""

    key: str = Field(pattern=r"^[^/%&><]+$", min_length=1)
    value: str
    sender: str | None = None


class FilterFlowRunInputs(PrefectBaseModel):
    """What was sent to a run under keys that begin so."""

    prefix: str
    limit: int = Field(default=1, ge=0)
    exclude_keys: list[str] = Field(default_factory=list)
