"""Events: emit them, follow them. What runs go through is emitted for them.

Everything is imported when it is first used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.events.clients import get_events_subscriber
    from prefect.events.emitting import emit_event
    from prefect.model.events import (
        Event,
        ReceivedEvent,
        RelatedResource,
        Resource,
        ResourceSpecification,
    )

__all__ = [
    "Event",
    "ReceivedEvent",
    "RelatedResource",
    "Resource",
    "ResourceSpecification",
    "emit_event",
    "get_events_subscriber",
]

_ROOMS = {"emit_event": "prefect.events.emitting", "get_events_subscriber": "prefect.events.clients"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = importlib.import_module(_ROOMS.get(name, "prefect.model.events"))
    value = globals()[name] = getattr(room, name)
    return value
