"""Which flow runs, and in which order."""

from __future__ import annotations

from uuid import UUID

from prefect.model.base import NamedEnum
from prefect.model.requests.base import (
    FilterIds,
    FilterIdsOrNot,
    FilterModel,
    FilterNames,
    FilterNamesLike,
    FilterTagsAny,
    FilterTime,
    FilterTimeOrNone,
    Operator,
    OperatorMixin,
)
from prefect.model.state import StateType


class FlowRunFilterId(FilterIdsOrNot):
    """By id."""


class FlowRunFilterName(FilterNamesLike):
    """By name, or a part of it."""


class FlowRunFilterTags(FilterTagsAny):
    """By tags."""


class FlowRunFilterDeploymentId(FilterIds, OperatorMixin):
    """By deployment, or by whether there is one."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None


class FlowRunFilterWorkQueueName(FilterNames, OperatorMixin):
    """By the name of the work queue, or by whether there is one."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None


class FlowRunFilterStateType(FilterModel):
    """By the type of the present state."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class FlowRunFilterStateName(FilterModel):
    """By the name of the present state."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterState(FilterModel, OperatorMixin):
    """By the present state."""

    operator: Operator = Operator.and_
    type: FlowRunFilterStateType | None = None
    name: FlowRunFilterStateName | None = None


class FlowRunFilterFlowVersion(FilterNames):
    """By the version of the flow."""


class FlowRunFilterStartTime(FilterTimeOrNone):
    """By the start; that of a run which has not started is when it is expected to."""


class FlowRunFilterEndTime(FilterTimeOrNone):
    """By the end."""


class FlowRunFilterExpectedStartTime(FilterTime):
    """By when the run was to start."""


class FlowRunFilterNextScheduledStartTime(FilterTime):
    """By when the run is to start."""


class FlowRunFilterParentFlowRunId(FilterIds, OperatorMixin):
    """By the run that started it as a subflow."""

    operator: Operator = Operator.and_


class FlowRunFilterParentTaskRunId(FilterIds, OperatorMixin):
    """By the task run that stands for it in its parent, or by whether there is one."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None


class FlowRunFilterIdempotencyKey(FilterModel):
    """By idempotency key."""

    any_: list[str] | None = None
    not_any_: list[str] | None = None


class FlowRunFilterCreatedBy(FilterModel, OperatorMixin):
    """By who made it, or by whether that is known."""

    operator: Operator = Operator.and_
    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None


class FlowRunFilter(FilterModel, OperatorMixin):
    """Which flow runs."""

    operator: Operator = Operator.and_
    id: FlowRunFilterId | None = None
    name: FlowRunFilterName | None = None
    tags: FlowRunFilterTags | None = None
    deployment_id: FlowRunFilterDeploymentId | None = None
    work_queue_name: FlowRunFilterWorkQueueName | None = None
    state: FlowRunFilterState | None = None
    flow_version: FlowRunFilterFlowVersion | None = None
    start_time: FlowRunFilterStartTime | None = None
    end_time: FlowRunFilterEndTime | None = None
    expected_start_time: FlowRunFilterExpectedStartTime | None = None
    next_scheduled_start_time: FlowRunFilterNextScheduledStartTime | None = None
    parent_flow_run_id: FlowRunFilterParentFlowRunId | None = None
    parent_task_run_id: FlowRunFilterParentTaskRunId | None = None
    idempotency_key: FlowRunFilterIdempotencyKey | None = None
    created_by: FlowRunFilterCreatedBy | None = None


class FlowRunSort(NamedEnum):
    """In which order. A run that has not started counts as starting when it is expected to."""

    ID_DESC = "ID_DESC"
    START_TIME_ASC = "START_TIME_ASC"
    START_TIME_DESC = "START_TIME_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"
