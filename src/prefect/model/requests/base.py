"""What every request shares: strict actions, operators, page limits."""

from __future__ import annotations

from typing import Any, ClassVar, cast
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from prefect.model.base import DateTime, NamedEnum, PrefectBaseModel


class ActionBaseModel(PrefectBaseModel):
    """What creates or changes an object: a field that is not known is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Operator(NamedEnum):
    """How the conditions of a filter are joined."""

    and_ = "and_"
    or_ = "or_"


class OperatorMixin:
    """A filter whose conditions are joined by its field `operator`."""


class FilterModel(PrefectBaseModel):
    """A filter or a part of one: a misspelled field would find everything, so it is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class FilterTime(FilterModel):
    """By a time: at the latest, at the earliest."""

    before_: DateTime | None = None
    after_: DateTime | None = None


class FilterTimeOrNone(FilterTime):
    """By a time, or by whether there is one."""

    is_null_: bool | None = None


class FilterIds(FilterModel):
    """By id."""

    any_: list[UUID] | None = None


class FilterIdsOrNot(FilterIds):
    """By id: these, or all but these."""

    not_any_: list[UUID] | None = None


class FilterNames(FilterModel):
    """By one of some texts."""

    any_: list[str] | None = None


class FilterNamesLike(FilterNames):
    """By name, or a part of it in whatever case."""

    like_: str | None = None


class FilterTags(FilterModel, OperatorMixin):
    """By tags: those that have them all, or none."""

    operator: Operator = Operator.and_
    all_: list[str] | None = None
    is_null_: bool | None = None


class FilterTagsAny(FilterTags):
    """By tags: those that have them all, or one of some, or none."""

    any_: list[str] | None = None


class NullIsNothing(PrefectBaseModel):
    """A body in which null stands for the default: older clients send every field."""

    @model_validator(mode="before")
    @classmethod
    def leave_nulls_out(cls, given: Any) -> Any:
        """What is null was not said."""
        if not isinstance(given, dict):
            return given
        fields = cast("dict[str, Any]", given)
        return {name: value for name, value in fields.items() if value is not None}


class Page(NullIsNothing):
    """Which part of a list is asked for. Without `limit`, as much as the server gives at once (200)."""

    limit: int | None = Field(default=None, ge=0)
    offset: int = Field(default=0, ge=0)


class NumberedPage(NullIsNothing):
    """Which page of a list is asked for, counted from 1."""

    limit: int | None = Field(default=None, ge=0)
    page: int = Field(default=1, ge=1)
