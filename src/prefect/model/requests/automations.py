"""Requests about automations and saved searches."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, Field

from prefect.model.automations import AutomationCore
from prefect.model.base import DateTime, NamedEnum
from prefect.model.objects import SavedSearchFilter
from prefect.model.requests.base import ActionBaseModel, FilterIds, FilterModel, FilterNames, Operator, Page


class AutomationCreate(AutomationCore):
    """A new automation."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    owner_resource: str | None = None


class AutomationUpdate(AutomationCore):
    """An automation in place of the one there is."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class AutomationPartialUpdate(ActionBaseModel):
    """Switch it on or off."""

    enabled: bool = True


class AutomationFilterId(FilterIds):
    """By id."""


class AutomationFilterName(FilterNames):
    """By name."""


class AutomationFilterCreated(FilterModel):
    """By when it was made."""

    before_: DateTime | None = None


class AutomationFilterTags(FilterModel):
    """By tags: those that have them all, or one of some, or none."""

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: bool | None = None


class AutomationFilter(FilterModel):
    """Which automations."""

    operator: Operator = Operator.and_
    id: AutomationFilterId | None = None
    name: AutomationFilterName | None = None
    created: AutomationFilterCreated | None = None
    tags: AutomationFilterTags | None = None


class AutomationSort(NamedEnum):
    """In which order."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_ASC = "NAME_ASC"
    NAME_DESC = "NAME_DESC"


class CountAutomations(FilterModel):
    """The body of a count."""

    automations: AutomationFilter | None = None


class FilterAutomations(CountAutomations, Page):
    """The body of a search."""

    sort: AutomationSort = AutomationSort.NAME_ASC


class SavedSearchCreate(ActionBaseModel):
    """A search under a name."""

    name: str
    filters: list[SavedSearchFilter] = Field(default_factory=list[SavedSearchFilter])
