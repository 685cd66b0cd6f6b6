"""Which task runs, and in which order."""

from __future__ import annotations

from prefect.model.base import NamedEnum
from prefect.model.requests.base import (
    FilterIds,
    FilterModel,
    FilterNames,
    FilterNamesLike,
    FilterTags,
    FilterTime,
    FilterTimeOrNone,
    Operator,
    OperatorMixin,
)
from prefect.model.state import StateType


class TaskRunFilterFlowRunId(FilterIds, OperatorMixin):
    """By flow run, or by whether there is one."""

    operator: Operator = Operator.and_
    is_null_: bool | None = False


class TaskRunFilterId(FilterIds):
    """By id."""


class TaskRunFilterName(FilterNamesLike):
    """By name, or a part of it."""


class TaskRunFilterTags(FilterTags):
    """By tags."""


class TaskRunFilterStateType(FilterModel):
    """By the type of the present state."""

    any_: list[StateType] | None = None


class TaskRunFilterStateName(FilterNames):
    """By the name of the present state."""


class TaskRunFilterState(FilterModel, OperatorMixin):
    """By the present state."""

    operator: Operator = Operator.and_
    type: TaskRunFilterStateType | None = None
    name: TaskRunFilterStateName | None = None


class TaskRunFilterSubFlowRuns(FilterModel):
    """By whether the task run stands for a subflow."""

    exists_: bool | None = None


class TaskRunFilterStartTime(FilterTimeOrNone):
    """By the start."""


class TaskRunFilterEndTime(FilterTimeOrNone):
    """By the end."""


class TaskRunFilterExpectedStartTime(FilterTime):
    """By when the run was to start."""


class TaskRunFilter(FilterModel, OperatorMixin):
    """Which task runs."""

    operator: Operator = Operator.and_
    id: TaskRunFilterId | None = None
    name: TaskRunFilterName | None = None
    tags: TaskRunFilterTags | None = None
    state: TaskRunFilterState | None = None
    start_time: TaskRunFilterStartTime | None = None
    end_time: TaskRunFilterEndTime | None = None
    expected_start_time: TaskRunFilterExpectedStartTime | None = None
    subflow_runs: TaskRunFilterSubFlowRuns | None = None
    flow_run_id: TaskRunFilterFlowRunId | None = None


class TaskRunSort(NamedEnum):
    """In which order."""

    ID_DESC = "ID_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"
    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    NEXT_SCHEDULED_START_TIME_ASC = "NEXT_SCHEDULED_START_TIME_ASC"
    END_TIME_DESC = "END_TIME_DESC"
    DURATION_DESC = "DURATION_DESC"
    DURATION_ASC = "DURATION_ASC"
