"""Requests about artifacts."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator

from prefect.model.base import NamedEnum
from prefect.model.requests.base import (
    ActionBaseModel,
    FilterIds,
    FilterModel,
    FilterNames,
    FilterNamesLike,
    Operator,
    OperatorMixin,
    Page,
)
from prefect.model.requests.joint import JointFilter


def _dashed(key: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]*", key):
        raise ValueError("Artifact key must only contain lowercase letters, numbers, and dashes.")
    return key


class ArtifactCreate(ActionBaseModel):
    """A new artifact."""

    key: Annotated[str, AfterValidator(_dashed)] | None = None
    type: str | None = None
    description: str | None = None
    data: dict[str, Any] | Any | None = None
    metadata_: dict[str, str] | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None


class ArtifactUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    data: dict[str, Any] | Any | None = None
    description: str | None = None
    metadata_: dict[str, str] | None = None


class ArtifactFilterId(FilterIds):
    """By id."""


class ArtifactFilterKey(FilterNamesLike):
    """By key, a part of it, or whether there is one."""

    exists_: bool | None = None


class ArtifactFilterFlowRunId(FilterIds):
    """By the flow run that made it."""


class ArtifactFilterTaskRunId(FilterIds):
    """By the task run that made it."""


class ArtifactFilterType(FilterNames):
    """By type: these, or all but these."""

    not_any_: list[str] | None = None


class ArtifactFilter(FilterModel, OperatorMixin):
    """Which artifacts."""

    operator: Operator = Operator.and_
    id: ArtifactFilterId | None = None
    key: ArtifactFilterKey | None = None
    flow_run_id: ArtifactFilterFlowRunId | None = None
    task_run_id: ArtifactFilterTaskRunId | None = None
    type: ArtifactFilterType | None = None


class ArtifactCollectionFilterLatestId(FilterIds):
    """By the id of the latest artifact."""


class ArtifactCollectionFilterKey(ArtifactFilterKey):
    """By key."""


class ArtifactCollectionFilterFlowRunId(FilterIds):
    """By the flow run that made the latest artifact."""


class ArtifactCollectionFilterTaskRunId(FilterIds):
    """By the task run that made the latest artifact."""


class ArtifactCollectionFilterType(ArtifactFilterType):
    """By the type of the latest artifact."""


class ArtifactCollectionFilter(FilterModel, OperatorMixin):
    """Which keys of artifacts."""

    operator: Operator = Operator.and_
    latest_id: ArtifactCollectionFilterLatestId | None = None
    key: ArtifactCollectionFilterKey | None = None
    flow_run_id: ArtifactCollectionFilterFlowRunId | None = None
    task_run_id: ArtifactCollectionFilterTaskRunId | None = None
    type: ArtifactCollectionFilterType | None = None


class ArtifactSort(NamedEnum):
    """In which order."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    ID_DESC = "ID_DESC"
    KEY_DESC = "KEY_DESC"
    KEY_ASC = "KEY_ASC"


class ArtifactCollectionSort(NamedEnum):
    """In which order."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    ID_DESC = "ID_DESC"
    KEY_DESC = "KEY_DESC"
    KEY_ASC = "KEY_ASC"


class CountArtifacts(JointFilter):
    """The body of a count."""

    artifacts: ArtifactFilter | None = None


class FilterArtifacts(CountArtifacts, Page):
    """The body of a search."""

    sort: ArtifactSort = ArtifactSort.ID_DESC


class CountLatestArtifacts(JointFilter):
    """The body of a count of keys."""

    artifacts: ArtifactCollectionFilter | None = None


class FilterLatestArtifacts(CountLatestArtifacts, Page):
    """The body of a search for keys."""

    sort: ArtifactCollectionSort = ArtifactCollectionSort.ID_DESC
