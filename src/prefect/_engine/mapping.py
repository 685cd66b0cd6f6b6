"""Take `.map` apart: one set of parameters for each item (behaviours 34 and 35)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._engine.inputs import iterables_in
from prefect.exceptions import MappingLengthMismatch, MappingMissingIterable
from prefect.utilities.annotations import allow_failure

if TYPE_CHECKING:
    from prefect.tasks import Task


def mapped_parameters(task: Task[..., Any], parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameters of every call of a map.

    Raises:
        MappingLengthMismatch: the iterables differ in length.
        MappingMissingIterable: there is none.
    """
    mapped: dict[str, list[Any]] = {}
    static: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in task.binder.defaults and value is task.binder.defaults[name]:
            static[name] = value  # a default is never mapped over
            continue
        is_mapped, inner = iterables_in(value)
        if is_mapped:
            items = _items(inner)
            wrap = isinstance(value, allow_failure)
            mapped[name] = [allow_failure(item) for item in items] if wrap else items
        else:
            static[name] = value if isinstance(value, allow_failure) else inner
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
    names = list(mapped)
    return [{n: values[n] if n in values else static[n] for n in parameters} for values in _zipped(names, mapped)]


def _zipped(names: list[str], mapped: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(names, items)) for items in zip(*mapped.values())]


def _items(value: Any) -> list[Any]:
    """The items of anything that can be iterated; a future of a collection is asked for its result."""
    if getattr(type(value), "_is_future", False):
        return list(value.result())
    return list(value)
