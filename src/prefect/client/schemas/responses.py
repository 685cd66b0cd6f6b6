"""What the API answers besides stored objects. Each is imported when it is first used (PEP 562)."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.concurrency import (
        ConcurrencyLimitWithLeaseResponse,
        GlobalConcurrencyLimitResponse,
        MinimalConcurrencyLimitResponse,
    )

__all__ = [
    "ConcurrencyLimitWithLeaseResponse",
    "GlobalConcurrencyLimitResponse",
    "MinimalConcurrencyLimitResponse",
]

_ROOMS = ("concurrency",)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    rooms = (importlib.import_module(f"prefect.model.{room}") for room in _ROOMS)
    value = globals()[name] = next(getattr(room, name) for room in rooms if hasattr(room, name))
    return value
