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
    """A path of the table: which of its parts are words, which are arguments, and who answers there."""

    words: list[tuple[int, str]]
    arguments: list[tuple[int, str]]
    methods: dict[str, T]

    def arguments_in(self, parts: list[str]) -> dict[str, str] | None:
        """The arguments in a path of as many parts; None where it does not fit."""
        for number, word in self.words:
            if parts[number] != word:
                return None
        found = {name: unquote(parts[number]) for number, name in self.arguments}
        return found if all(found.values()) else None


@dataclass(slots=True)
class Found(Generic[T]):
    """Who answers at a path, by method, and the arguments in it, as text."""

    methods: dict[str, T]
    arguments: dict[str, str]


class Paths(Generic[T]):
    """The paths of a table of endpoints, or of pages."""

    def __init__(self, endpoints: Iterable[T]) -> None:
        self._places: dict[Key, list[Place[T]]] = {}
        self._plain: dict[str, Found[T]] = {}  # where no argument stands
        by_path: dict[str, Place[T]] = {}
        for one in sorted(endpoints, key=_literal_first):
            place = by_path.get(one.path)
            if place is None:
                place = by_path[one.path] = Place(*_words_and_arguments(one.path), {})
                parts = one.path[1:].split("/")
                self._places.setdefault((len(parts), parts[0]), []).append(place)
                if not place.arguments:
                    self._plain[one.path] = Found(place.methods, {})
            place.methods[one.method] = one

    def find(self, path: str, method: str = "*") -> Found[T] | None:
        """Who answers at a path below the API's own (`/flows/filter`), with its escapes; None where nobody does.

        Of several places that fit, the first that answers to the method: a work pool may be called `filter`, and
        is read by GET where POST means the list.
        """
        plain = self._plain.get(path)
        if plain is not None and method in plain.methods:  # nothing goes before it: see `_literal_first`
            return plain
        fitting = self._fitting(path)
        answering = (one for one in fitting if method in one.methods and _is_readable(one, method))
        return fitting[0] if len(fitting) == 1 else next(answering, fitting[0] if fitting else None)

    def knows(self, path: str) -> bool:
        """Whether anybody answers at a path, to whatever method."""
        return path in self._plain or bool(self._fitting(path))

    def _fitting(self, path: str) -> list[Found[T]]:
        parts = path[1:].split("/")
        found: list[Found[T]] = []
        for place in self._places.get((len(parts), parts[0]), ()):
            arguments = place.arguments_in(parts)
            if arguments is not None:
                found.append(Found(place.methods, arguments))
        return found

    def other_spelling(self, path: str) -> str | None:
        """The path with one slash more or less at its end, where somebody answers there."""
        other = path[:-1] if path.endswith("/") else f"{path}/"
        return other if self.knows(other) else None


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


def _words_and_arguments(path: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    parts = list(enumerate(path[1:].split("/")))
    words = [(number, part) for number, part in parts if not part.startswith("{")]
    return words, [(number, part[1:-1]) for number, part in parts if part.startswith("{")]
