"""The arguments of a request, read from its path and its query by pydantic."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, get_origin
from urllib.parse import parse_qs

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect._api.endpoint import Endpoint


class WrongArguments(Exception):
    """What came is not what is asked for: pydantic's errors, each with where it stands.

    Args:
        errors: of `ValidationError.errors()`.
        unreadable_path: whether the path itself names nothing that can exist: there is nothing at it.
    """

    def __init__(self, errors: list[Any], *, unreadable_path: bool) -> None:
        super().__init__(errors)
        self.errors = errors
        self.unreadable_path = unreadable_path


class Reader(NamedTuple):
    """What reads one argument; `spelled` is its name in the query."""

    name: str
    spelled: str
    adapter: TypeAdapter[Any]
    many: bool
    default: Any
    place: str


def arguments_of(one: Endpoint[..., Any], in_path: Mapping[str, str], query: bytes) -> dict[str, Any]:
    """The arguments of an endpoint, without its body.

    Raises:
        WrongArguments: one is missing, or not of its type.
    """
    readers = _readers(one)
    if not readers:
        return {}
    asked = parse_qs(query.decode("latin-1"), keep_blank_values=True) if query else {}
    found: dict[str, Any] = {}
    errors: list[Any] = []
    for reader in readers:
        given = in_path.get(reader.name) if reader.place == "path" else _in_query(asked, reader)
        if given is None:
            if reader.default is inspect.Parameter.empty:
                errors.append(_missing(reader))
            continue
        try:
            found[reader.name] = reader.adapter.validate_strings(given)
        except ValidationError as exc:
            errors += [_placed(reader, error) for error in exc.errors(include_url=False)]
    if errors:
        raise WrongArguments(errors, unreadable_path=any(error["loc"][0] == "path" for error in errors))
    return found


@cache
def _readers(one: Endpoint[..., Any]) -> list[Reader]:
    return [
        Reader(
            name,
            one.spelled.get(name, name),
            TypeAdapter(parameter.annotation),
            get_origin(parameter.annotation) in {list, set, tuple},
            parameter.default,
            "path" if name in one.in_path else "query",
        )
        for name, parameter in one.signature.parameters.items()
        if name != "body"
    ]


def _in_query(asked: Mapping[str, list[str]], reader: Reader) -> str | list[str] | None:
    given = asked.get(reader.spelled)
    return given if given is None or reader.many else given[-1]


def _missing(reader: Reader) -> dict[str, Any]:
    return {"type": "missing", "loc": (reader.place, reader.spelled), "msg": "Field required", "input": None}


def _placed(reader: Reader, error: Any) -> dict[str, Any]:
    return {**error, "loc": (reader.place, reader.spelled, *error["loc"])}
