"""Take `.map` apart: one set of parameters for each item (behaviours 34 and 35)."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._engine.inputs import FUTURE, kind_of
from prefect.exceptions import MappingLengthMismatch, MappingMissingIterable
from prefect.utilities.annotations import allow_failure, quote, unmapped

if TYPE_CHECKING:
    from prefect.tasks import Task


def mapped_parameters(task: Task[..., Any], parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of every call of a map.

    Args:
        task: the task that is mapped.
        parameters: what was given; a default is never mapped over, and is filled in afterwards.

    Raises:
        MappingLengthMismatch: the iterables differ in length.
        MappingMissingIterable: there is none.
    """
    given = task.binder.flattened(parameters)
    mapped: dict[str, list[Any]] = {}
    static: dict[str, Any] = {}
    for name, value in given.items():
        items = _items(value)
        if items is None:
            static[name] = value.value if isinstance(value, (unmapped, quote)) else value
        else:
            mapped[name] = items
    if not mapped:
        raise MappingMissingIterable(
            "No iterable parameters were received. Parameters for map must include at least one iterable. "
            f"Parameters: {parameters}"
        )
    lengths = {name: len(items) for name, items in mapped.items()}
    if len(set(lengths.values())) > 1:
        raise MappingLengthMismatch(
            "Received iterable parameters with different lengths. Parameters for map must all be the same length. "
            f"Got lengths: {lengths}"
        )
    calls = (dict(zip(mapped, one, strict=True)) for one in zip(*mapped.values(), strict=True))
    return [task.binder.completed({n: one[n] if n in one else static[n] for n in given}) for one in calls]


def _items(value: Any) -> list[Any] | None:
    """The items that a parameter is mapped over, annotated as it is; None for one that every call gets whole."""
    if isinstance(value, unmapped):
        return None
    if isinstance(value, allow_failure):
        items = _items(value.value)
        return None if items is None else [allow_failure(item) for item in items]
    if isinstance(value, quote):
        value = value.value
    elif kind_of(type(value)) == FUTURE:
        value = value.result()  # the items of a future's result are not known before
    if isinstance(value, (str, bytes)) or not (
        hasattr(value, "__iter__") or (hasattr(value, "__getitem__") and hasattr(value, "__len__"))
    ):
        return None
    return list(value)
