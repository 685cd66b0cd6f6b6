"""Requests about flows."""

from __future__ import annotations

from pydantic import Field

from prefect.model.base import Labels, Name, NamedEnum
from prefect.model.requests.base import (
    ActionBaseModel,
    FilterIdsOrNot,
    FilterModel,
    FilterNamesLike,
    FilterTags,
    Operator,
    OperatorMixin,
)


class FlowCreate(ActionBaseModel):
    """A flow, made unless there is one of that name."""

    name: Name
    tags: list[str] = Field(default_factory=list)
    labels: Labels = Field(default_factory=dict)


class FlowUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    tags: list[str] = Field(default_factory=list)


class FlowFilterId(FilterIdsOrNot):
    """By id."""


class FlowFilterName(FilterNamesLike):
    """By name, or a part of it."""


class FlowFilterTags(FilterTags):
    """By the flow's tags."""


class FlowFilterDeployment(FilterModel, OperatorMixin):
    """By whether the flow has deployments."""

    operator: Operator = Operator.and_
    is_null_: bool | None = None


class FlowFilter(FilterModel, OperatorMixin):
    """Which flows."""

    operator: Operator = Operator.and_
    id: FlowFilterId | None = None
    deployment: FlowFilterDeployment | None = None
    name: FlowFilterName | None = None
    tags: FlowFilterTags | None = None


class FlowSort(NamedEnum):
    """In which order."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
