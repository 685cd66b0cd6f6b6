"""Requests about deployments."""

from __future__ import annotations

from prefect.model.base import NamedEnum
from prefect.model.requests.base import (
    FilterIdsOrNot,
    FilterModel,
    FilterNames,
    FilterNamesLike,
    FilterTagsAny,
    Operator,
    OperatorMixin,
)


class DeploymentFilterId(FilterIdsOrNot):
    """By id."""


class DeploymentFilterName(FilterNamesLike):
    """By name, or a part of it."""


class DeploymentOrFlowNameFilter(FilterModel):
    """By a part of the deployment's name or of its flow's."""

    like_: str | None = None


class DeploymentFilterPaused(FilterModel):
    """By whether it is paused."""

    eq_: bool | None = None


class DeploymentFilterWorkQueueName(FilterNames):
    """By the name of the work queue."""


class DeploymentFilterTags(FilterTagsAny):
    """By tags."""


class DeploymentFilterConcurrencyLimit(FilterModel):
    """By the concurrency limit, or by whether there is one."""

    ge_: int | None = None
    le_: int | None = None
    is_null_: bool | None = None


class DeploymentFilter(FilterModel, OperatorMixin):
    """Which deployments."""

    operator: Operator = Operator.and_
    id: DeploymentFilterId | None = None
    name: DeploymentFilterName | None = None
    flow_or_deployment_name: DeploymentOrFlowNameFilter | None = None
    paused: DeploymentFilterPaused | None = None
    tags: DeploymentFilterTags | None = None
    work_queue_name: DeploymentFilterWorkQueueName | None = None
    concurrency_limit: DeploymentFilterConcurrencyLimit | None = None


class DeploymentSort(NamedEnum):
    """In which order."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"
    CONCURRENCY_LIMIT_ASC = "CONCURRENCY_LIMIT_ASC"
    CONCURRENCY_LIMIT_DESC = "CONCURRENCY_LIMIT_DESC"
