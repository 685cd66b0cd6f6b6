"""Which endpoint a path means.

A table of some 200 templates is split by length and first word, so that a request is compared with two or three of
them. A path with one slash too many or too few is sent to the one that exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote
from uuid import UUID

from prefect._base.placed import Placed

if TYPE_CHECKING:
    from collections.abc import Iterable

    Key = tuple[int, str]


T = TypeVar("T", bound=Placed)


@dataclass(slots=True)
class Place(Generic[T]):
    """A path of the table: its parts (None where an argument stands), the arguments' names, who answers there."""

    parts: list[str | None]
    names: list[str]
    methods: dict[str, T]


@dataclass(slots=True)
class Found(Generic[T]):
    """Who answers at a path, by method, and the arguments in it, as text."""

    methods: dict[str, T]
    arguments: dict[str, str]


class Paths(Generic[T]):
    """The paths of a table of endpoints, or of pages."""

    def __init__(self, endpoints: Iterable[T]) -> None:
        self._places: dict[Key, list[Place[T]]] = {}
        by_path: dict[str, Place[T]] = {}
        for one in sorted(endpoints, key=_literal_first):
            place = by_path.get(one.path)
            if place is None:
                place = by_path[one.path] = Place(*_parts_and_names(one.path), {})
                first = place.parts[0]
                assert first is not None  # every path begins with a noun
                self._places.setdefault((len(place.parts), first), []).append(place)
            place.methods[one.method] = one

    def find(self, path: str, method: str = "*") -> Found[T] | None:
        """Who answers at a path below the API's own (`/flows/filter`), with its escapes; None where nobody does.

        Of several places that fit, the first that answers to the method: a work pool may be called `filter`, and
        is read by GET where POST means the list.
        """
        fitting = self._fitting(path)
        answering = (one for one in fitting if method in one.methods and _is_readable(one, method))
        return fitting[0] if len(fitting) == 1 else next(answering, fitting[0] if fitting else None)

    def _fitting(self, path: str) -> list[Found[T]]:
        parts = path[1:].split("/")
        found: list[Found[T]] = []
        for place in self._places.get((len(parts), parts[0]), ()):
            values = [given for wanted, given in zip(place.parts, parts, strict=True) if wanted is None]
            fixed = all(
                wanted is None or wanted == given for wanted, given in zip(place.parts, parts, strict=True)
            )
            if fixed and all(values):
                found.append(Found(place.methods, dict(zip(place.names, map(unquote, values), strict=True))))
        return found

    def other_spelling(self, path: str) -> str | None:
        """The path with one slash more or less at its end, where somebody answers there."""
        other = path[:-1] if path.endswith("/") else f"{path}/"
        return other if self.find(other) is not None else None


def _is_readable(found: Found[T], method: str) -> bool:
    """Whether what stands for an id can be one."""
    parameters = found.methods[method].signature.parameters
    try:
        for name, value in found.arguments.items():
            if parameters[name].annotation is UUID:
                UUID(value)
    except ValueError:
        return False
    return True


def _literal_first(one: Placed) -> list[bool]:
    """`/variables/name/x` before `/variables/{id}`: the first place that fits is taken."""
    return [part.startswith("{") for part in one.path.split("/")]


def _parts_and_names(path: str) -> tuple[list[str | None], list[str]]:
    parts = path[1:].split("/")
    names = [part[1:-1] for part in parts if part.startswith("{")]
    return [None if part.startswith("{") else part for part in parts], names
