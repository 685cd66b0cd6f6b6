"""What creates, changes and lists task runs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from prefect.model.base import DateTime, Labels, PrefectBaseModel
from prefect.model.names import random_name
from prefect.model.policies import TaskRunPolicy
from prefect.model.requests.base import ActionBaseModel, NumberedPage, Page
from prefect.model.requests.joint import JointFilter
from prefect.model.requests.states import StateCreate
from prefect.model.requests.task_runs import TaskRunFilter, TaskRunSort
from prefect.model.run_inputs import Constant, FlowRunResult, Parameter, TaskRunResult


class TaskRunCreate(ActionBaseModel):
    """A new task run. Without an id it gets one; without a state it is Pending."""

    id: UUID | None = None
    state: StateCreate | None = None
    name: str | None = Field(default_factory=random_name)
    flow_run_id: UUID | None = None
    task_key: str
    dynamic_key: str
    cache_key: str | None = None
    cache_expiration: DateTime | None = None
    task_version: str | None = None
    empirical_policy: TaskRunPolicy = Field(default_factory=TaskRunPolicy)
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)
    task_inputs: dict[str, list[TaskRunResult | FlowRunResult | Parameter | Constant]] = Field(
        default_factory=dict
    )


class TaskRunUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    name: str | None = None


class ProposeState(PrefectBaseModel):
    """A state to enter. With `force` few rules are asked."""

    state: StateCreate
    force: bool = False


class FilterTaskRuns(Page, JointFilter):
    """The body of a search."""

    sort: TaskRunSort = TaskRunSort.ID_DESC


class PaginateTaskRuns(NumberedPage, JointFilter):
    """The body of a search in numbered pages."""

    sort: TaskRunSort = TaskRunSort.ID_DESC


class TaskRunHistory(JointFilter):
    """The body of a history: runs by when they were expected to start."""

    history_start: DateTime
    history_end: DateTime
    history_interval_seconds: Annotated[float, Field(le=1e9)]


class CountOnDashboard(JointFilter):
    """The body of the counts of a dashboard; the filter of task runs must say from when on they started."""

    task_runs: TaskRunFilter  # type: ignore[assignment] # here it must be there
