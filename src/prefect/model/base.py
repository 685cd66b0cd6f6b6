"""What every schema shares: configuration, ids, times, and equality that looks at content only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ClassVar, Union
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import Self

from prefect._base.clock import UTC
from prefect._base.ids import new_uuid


def aware(moment: datetime) -> datetime:
    """A naive time is taken as UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _no_labels(labels: Any) -> Any:
    return {} if labels is None else labels


DateTime = Annotated[datetime, AfterValidator(aware)]
Name = Annotated[str, Field(pattern=r"^[^/%&><]+$")]
Labels = Annotated[dict[str, Union[bool, int, float, str]], BeforeValidator(_no_labels)]


class NamedEnum(str, Enum):
    """An enum of strings that shows itself as `Class.VALUE`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.value}"


class PrefectBaseModel(BaseModel):
    """Unknown fields are ignored, durations are JSON numbers of seconds, schemas are built at first use."""

    model_config = ConfigDict(ser_json_timedelta="float", defer_build=True, extra="ignore")

    # which copy this is, not what it holds: new in a `reset_fields` copy
    _identity: ClassVar[frozenset[str]] = frozenset()
    # left out of comparison
    _uncompared: ClassVar[frozenset[str]] = frozenset()

    def __eq__(self, other: object) -> bool:
        """Equal when of one class and of equal content (not, as a rule, of equal id)."""
        if not isinstance(other, PrefectBaseModel) or _generic_class(self) is not _generic_class(other):
            return NotImplemented
        fields = type(self).model_fields.keys() - self._uncompared
        return all(getattr(self, field) == getattr(other, field) for field in fields)

    __hash__ = None  # type: ignore[assignment]  # mutable; State and frozen models define their own

    @classmethod
    def model_validate_list(cls, objects: Iterable[Any]) -> list[Self]:
        """Validate each of `objects`. Raises pydantic's `ValidationError`."""
        return [cls.model_validate(value) for value in objects]

    def reset_fields(self) -> Self:
        """A copy with a new identity (id) and without times of creation and update."""
        fields = type(self).model_fields
        fresh = {name: fields[name].get_default(call_default_factory=True) for name in self._identity}
        return self.model_copy(update=fresh)


def _generic_class(model: BaseModel) -> type[Any]:
    """The class of a model, without its type argument: `State` for a `State[int]`."""
    return type(model).__pydantic_generic_metadata__["origin"] or type(model)


class ObjectBaseModel(PrefectBaseModel):
    """A stored object: it has an id, and times of creation and last change once it is stored."""

    model_config = ConfigDict(from_attributes=True)

    _identity: ClassVar[frozenset[str]] = frozenset(("id", "created", "updated"))
    _uncompared: ClassVar[frozenset[str]] = _identity

    id: UUID = Field(default_factory=new_uuid)
    created: DateTime | None = Field(default=None, repr=False)
    updated: DateTime | None = Field(default=None, repr=False)


class CreatedBy(PrefectBaseModel):
    """Who or what made an object."""

    id: UUID | None = None
    type: str | None = None
    display_value: str | None = None


class UpdatedBy(CreatedBy):
    """Who or what changed an object last."""
