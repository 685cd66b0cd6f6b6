"""What automations wait for. Stored and shown; nothing here evaluates them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from typing_extensions import Self

from prefect._base.ids import new_uuid
from prefect.model.base import NamedEnum, PrefectBaseModel
from prefect.model.events import ResourceSpecification

SHORTEST_PROACTIVE = 10.0  # seconds
_INDENT = "  "


class StrictModel(PrefectBaseModel):
    """A misspelled field would change what an automation does, so it is an error."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


class Posture(NamedEnum):
    """Whether a trigger fires when events come, or when they do not."""

    Reactive = "Reactive"
    Proactive = "Proactive"
    Metric = "Metric"


class Trigger(StrictModel, ABC):
    """What an automation waits for."""

    _uncompared: ClassVar[frozenset[str]] = frozenset(("id",))

    id: UUID = Field(default_factory=new_uuid)

    @abstractmethod
    def describe_for_cli(self, indent: int = 0) -> str:
        """On a few lines, for people; indented by so many steps."""


class ResourceTrigger(Trigger, ABC):
    """A trigger that is about resources: those of an event, and those related to it."""

    match: ResourceSpecification = Field(default_factory=lambda: ResourceSpecification({}))
    match_related: ResourceSpecification | list[ResourceSpecification] = Field(
        default_factory=lambda: ResourceSpecification({})
    )


class EventTrigger(ResourceTrigger):
    """So many events within a time; or, proactively, fewer than that.

    Attributes:
        match: the resources that the events are about, as labels with values (`*` for any ending, `!` for not).
        match_related: the resources that are related to them.
        after: events that must have come first.
        expect: the events that are counted, or not seen.
        for_each: labels; counted apart for each of their values.
        posture: Reactive to events, or Proactive where they stay away.
        threshold: how many.
        within: how long is counted; 10 seconds at least where it is Proactive.
    """

    type: Literal["event"] = "event"
    after: set[str] = Field(default_factory=set)
    expect: set[str] = Field(default_factory=set)
    for_each: set[str] = Field(default_factory=set)
    posture: Literal[Posture.Reactive, Posture.Proactive] = Posture.Reactive
    threshold: int = 1
    within: timedelta = Field(default=timedelta(0), ge=timedelta(0))

    @model_validator(mode="after")
    def enforce_minimum_within_for_proactive_triggers(self) -> Self:
        """What has not happened is known after some seconds at the earliest: 10, unless more are given."""
        if self.posture is Posture.Proactive:
            shortest = timedelta(seconds=SHORTEST_PROACTIVE)
            if not self.within:
                self.within = shortest
            elif self.within < shortest:
                raise ValueError(
                    "`within` for Proactive triggers must be greater than or equal to "
                    f"{SHORTEST_PROACTIVE:.0f} seconds"
                )
        return self

    def describe_for_cli(self, indent: int = 0) -> str:
        """See `Trigger`."""
        events = ", ".join(map(repr, sorted(self.expect))) or "any event"
        if self.posture is Posture.Proactive:
            said = f"Proactive: expecting {self.threshold} of {events} within {self.within}"
        else:
            said = f"Reactive: expecting {self.threshold} of {events}"
        return _INDENT * indent + said


class CompositeTrigger(Trigger, ABC):
    """A trigger that is made of others."""

    triggers: list[TriggerTypes]
    within: timedelta | None = None

    def _described(self, head: str, indent: int) -> str:
        return "\n".join(
            [_INDENT * indent + head, *(one.describe_for_cli(indent + 1) for one in self.triggers)]
        )


class CompoundTrigger(CompositeTrigger):
    """Some of its triggers: any, all, or so many of them."""

    type: Literal["compound"] = "compound"
    require: int | Literal["any", "all"]

    @model_validator(mode="after")
    def validate_require(self) -> Self:
        """No fewer than one of them, no more than there are."""
        if isinstance(self.require, int) and not 1 <= self.require <= len(self.triggers):
            raise ValueError(
                f"expected `require` to be from 1 to the number of triggers ({len(self.triggers)}), "
                f"got {self.require}"
            )
        return self

    def describe_for_cli(self, indent: int = 0) -> str:
        """See `Trigger`."""
        return self._described(f"{str(self.require).capitalize()} of:", indent)


class SequenceTrigger(CompositeTrigger):
    """All of its triggers, in their order."""

    type: Literal["sequence"] = "sequence"

    def describe_for_cli(self, indent: int = 0) -> str:
        """See `Trigger`."""
        return self._described("In this order:", indent)


TriggerTypes = Annotated[EventTrigger | CompoundTrigger | SequenceTrigger, Field(discriminator="type")]
