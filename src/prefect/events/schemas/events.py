"""Events and their resources."""

from __future__ import annotations

from prefect.model.events import Event, ReceivedEvent, RelatedResource, Resource, ResourceSpecification
from prefect.model.requests.events import EventCount, EventPage

__all__ = [
    "Event",
    "EventCount",
    "EventPage",
    "ReceivedEvent",
    "RelatedResource",
    "Resource",
    "ResourceSpecification",
]
