"""Requests about events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from pydantic import Field

from prefect._base.clock import now
from prefect.model.base import DateTime, NamedEnum, PrefectBaseModel
from prefect.model.events import Event, ReceivedEvent, RelatedResource, Resource, ResourceSpecification
from prefect.model.text_search import words_of

DEFAULT_PAGE = 50
LARGEST_PAGE = 200
DEFAULT_PAST = timedelta(days=180)


def _long_ago() -> datetime:
    return now() - DEFAULT_PAST


class EventDataFilter(PrefectBaseModel):
    """One kind of condition. All that are given must hold."""

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        raise NotImplementedError

    def excludes(self, event: Event) -> bool:
        """Whether an event does not meet it."""
        return not self.includes(event)


class EventOccurredFilter(EventDataFilter):
    """By the time it happened, both ends included: by default the last 180 days."""

    since: DateTime = Field(default_factory=_long_ago)
    until: DateTime = Field(default_factory=now)

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        return self.since <= event.occurred <= self.until


class EventNameFilter(EventDataFilter):
    """By name, or how it begins."""

    prefix: list[str] | None = None
    exclude_prefix: list[str] | None = None
    name: list[str] | None = None
    exclude_name: list[str] | None = None

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        name = event.event
        if name.startswith(tuple(self.exclude_prefix or ())) or name in (self.exclude_name or ()):
            return False
        if not self.prefix and not self.name:
            return True
        return name.startswith(tuple(self.prefix or ())) or name in (self.name or ())


class _ByResource(EventDataFilter):
    id: list[str] | None = None
    id_prefix: list[str] | None = None
    labels: ResourceSpecification | None = None

    def meets(self, resource: Resource) -> bool:
        """Whether a resource does."""
        if self.id and resource.id not in self.id:
            return False
        if self.id_prefix and not resource.id.startswith(tuple(self.id_prefix)):
            return False
        return self.labels is None or self.labels.matches(resource)


class EventResourceFilter(_ByResource):
    """By the resource that the event is about."""

    distinct: bool = False

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        return self.meets(event.resource)


class EventAnyResourceFilter(_ByResource):
    """By any resource, the one it is about or a related one."""

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        return any(map(self.meets, event.involved_resources))


class EventRelatedFilter(EventDataFilter):
    """By a related resource, which must meet all that is given."""

    id: list[str] | None = None
    role: list[str] | None = None
    resources_in_roles: list[tuple[str, str]] | None = None
    labels: ResourceSpecification | None = None

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        if not (self.id or self.role or self.resources_in_roles or self.labels):
            return True
        return any(map(self._meets, event.related))

    def _meets(self, resource: RelatedResource) -> bool:
        if self.id and resource.id not in self.id:
            return False
        if self.role and resource.role not in self.role:
            return False
        if self.resources_in_roles and (resource.id, resource.role) not in self.resources_in_roles:
            return False
        return self.labels is None or self.labels.matches(resource)


class EventIDFilter(EventDataFilter):
    """By id."""

    id: list[UUID] | None = None

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        return not self.id or event.id in self.id


class EventTextFilter(EventDataFilter):
    """By words of its name, labels and payload: see `prefect.model.text_search`."""

    query: str = Field(max_length=200)

    def includes(self, event: Event) -> bool:
        """Whether an event meets it."""
        content = {"event", "resource", "related", "payload"}
        return words_of(self.query).are_in(event.model_dump_json(include=content))


class EventOrder(NamedEnum):
    """By the time it happened: ASC is oldest first."""

    ASC = "ASC"
    DESC = "DESC"


class EventFilter(EventDataFilter):
    """Which events, and in which order."""

    occurred: EventOccurredFilter = Field(default_factory=EventOccurredFilter)
    event: EventNameFilter | None = None
    resource: EventResourceFilter | None = None
    related: EventRelatedFilter | list[EventRelatedFilter] | None = None
    any_resource: EventAnyResourceFilter | list[EventAnyResourceFilter] | None = None
    id: EventIDFilter = Field(default_factory=EventIDFilter)
    text: EventTextFilter | None = None
    order: EventOrder = EventOrder.DESC

    def includes(self, event: Event) -> bool:
        """Whether an event meets every condition."""
        return self.occurred.includes(event) and self.is_about(event)

    def is_about(self, event: Event) -> bool:
        """Whether an event meets every condition but that of its time."""
        return all(part.includes(event) for part in self.parts())

    def parts(self) -> list[EventDataFilter]:
        """The conditions but that of time."""
        given = (
            self.event,
            self.resource,
            self.id,
            self.text,
            *listed(self.related),
            *listed(self.any_resource),
        )
        return [part for part in given if part is not None]


def listed(given: EventDataFilter | Sequence[EventDataFilter] | None) -> Sequence[EventDataFilter]:
    """The filters of a field that may hold one or several."""
    if given is None:
        return ()
    return (given,) if isinstance(given, EventDataFilter) else given


class FilterEvents(PrefectBaseModel):
    """The body of a search."""

    filter: EventFilter | None = None
    limit: int = Field(default=DEFAULT_PAGE, ge=0, le=LARGEST_PAGE)


class EventPage(PrefectBaseModel):
    """Some of the events that were found, how many there are in all, and where the next ones are."""

    events: list[ReceivedEvent]
    total: int
    next_page: str | None = None


class TimeUnit(NamedEnum):
    """Of an interval."""

    week = "week"
    day = "day"
    hour = "hour"
    minute = "minute"
    second = "second"


Countable = Literal["day", "time", "event", "resource"]


class CountEvents(PrefectBaseModel):
    """The body of a count."""

    filter: EventFilter
    time_unit: TimeUnit = TimeUnit.day
    time_interval: float = Field(default=1.0, ge=0.01, le=1e6)


class EventCount(PrefectBaseModel):
    """How many events of one value, between the first and the last."""

    value: str
    label: str
    count: int
    start_time: DateTime
    end_time: DateTime


__all__ = [
    "CountEvents",
    "Countable",
    "EventAnyResourceFilter",
    "EventCount",
    "EventDataFilter",
    "EventFilter",
    "EventIDFilter",
    "EventNameFilter",
    "EventOccurredFilter",
    "EventOrder",
    "EventPage",
    "EventRelatedFilter",
    "EventResourceFilter",
    "EventTextFilter",
    "FilterEvents",
    "TimeUnit",
    "listed",
]
