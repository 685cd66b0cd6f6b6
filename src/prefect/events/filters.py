"""Which events."""

from __future__ import annotations

from prefect.model.requests.events import (
    EventAnyResourceFilter,
    EventDataFilter,
    EventFilter,
    EventIDFilter,
    EventNameFilter,
    EventOccurredFilter,
    EventOrder,
    EventRelatedFilter,
    EventResourceFilter,
    EventTextFilter,
)

__all__ = [
    "EventAnyResourceFilter",
    "EventDataFilter",
    "EventFilter",
    "EventIDFilter",
    "EventNameFilter",
    "EventOccurredFilter",
    "EventOrder",
    "EventRelatedFilter",
    "EventResourceFilter",
    "EventTextFilter",
]
