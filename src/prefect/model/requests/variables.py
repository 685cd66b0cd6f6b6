"""Requests about variables."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from prefect.model.base import NamedEnum, PrefectBaseModel
from prefect.model.objects import MAX_VARIABLE_NAME_LENGTH
from prefect.model.requests.base import ActionBaseModel, Operator, OperatorMixin, Page

VariableValue = str | int | bool | float | dict[str, Any] | list[Any] | None


class VariableCreate(ActionBaseModel):
    """A new variable."""

    name: str = Field(max_length=MAX_VARIABLE_NAME_LENGTH)
    value: VariableValue
    tags: list[str] | None = None


class VariableUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    name: str | None = Field(default=None, max_length=MAX_VARIABLE_NAME_LENGTH)
    value: VariableValue = None
    tags: list[str] | None = None


class VariableFilterId(PrefectBaseModel):
    """By id."""

    any_: list[UUID] | None = None


class VariableFilterName(PrefectBaseModel):
    """By name, or a part of it."""

    any_: list[str] | None = None
    like_: str | None = None


class VariableFilterTags(PrefectBaseModel, OperatorMixin):
    """By tags: those that have them all, or none."""

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    is_null_: bool | None = None


class VariableFilter(PrefectBaseModel, OperatorMixin):
    """Which variables."""

    operator: Operator = Operator.and_
    id: VariableFilterId | None = None
    name: VariableFilterName | None = None
    tags: VariableFilterTags | None = None


class VariableSort(NamedEnum):
    """In which order."""

    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_DESC = "NAME_DESC"
    NAME_ASC = "NAME_ASC"


class FilterVariables(Page):
    """The body of a search."""

    variables: VariableFilter | None = None
    sort: VariableSort = VariableSort.NAME_ASC


class CountVariables(PrefectBaseModel):
    """The body of a count."""

    variables: VariableFilter | None = None
