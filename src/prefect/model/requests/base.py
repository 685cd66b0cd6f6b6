"""What every request shares: strict actions, operators, page limits."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict, Field

from prefect.model.base import NamedEnum, PrefectBaseModel


class ActionBaseModel(PrefectBaseModel):
    """What creates or changes an object: a field that is not known is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Operator(NamedEnum):
    """How the conditions of a filter are joined."""

    and_ = "and_"
    or_ = "or_"


class OperatorMixin:
    """A filter whose conditions are joined by its field `operator`."""


class Page(PrefectBaseModel):
    """Which part of a list is asked for. Without `limit`, as much as the server gives at once (200)."""

    limit: int | None = Field(default=None, ge=0)
    offset: int = Field(default=0, ge=0)
