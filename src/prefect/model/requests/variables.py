"""Requests about variables."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from prefect.model.base import NamedEnum, PrefectBaseModel
from prefect.model.objects import MAX_VARIABLE_NAME_LENGTH
from prefect.model.requests.base import ActionBaseModel, Operator, OperatorMixin, Page

VariableValue = str | int | bool | float | dict[str, Any] | list[Any] | None
MAX_VARIABLE_VALUE_LENGTH = 5000  # characters of JSON


def _plain(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]*", name):
        raise ValueError(
            "Variable name must only contain lowercase letters, numbers, and dashes or underscores."
        )
    return name


def _short(value: Any) -> Any:
    try:
        length = len(json.dumps(value))
    except (TypeError, ValueError):
        raise ValueError("Variable value must be serializable to JSON") from None
    if length > MAX_VARIABLE_VALUE_LENGTH:
        raise ValueError(f"Variable value must be less than {MAX_VARIABLE_VALUE_LENGTH} characters")
    return value


Name = Annotated[str, Field(max_length=MAX_VARIABLE_NAME_LENGTH), AfterValidator(_plain)]
Value = Annotated[VariableValue, BeforeValidator(_short)]


class VariableCreate(ActionBaseModel):
    """A new variable."""

    name: Name
    value: Value
    tags: list[str] | None = None


class VariableUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    name: Name | None = None
    value: Value = None
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
