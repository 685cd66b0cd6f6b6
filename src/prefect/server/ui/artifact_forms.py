"""What an artifact's data looks like: rows and columns, a link, a part of a whole, text; and what differs in two."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from prefect.model.objects import Artifact

MOST_ROWS = 500
MOST_LINES = 2000


class Rows(NamedTuple):
    """A table; `more` rows are not shown."""

    columns: list[str]
    rows: list[list[str]]
    more: int


class Line(NamedTuple):
    """A line of a comparison: `+` came, `-` went, ` ` stayed."""

    sign: str
    text: str


def text_of_data(artifact: Artifact) -> str:
    """The data as text: as it was written, or as JSON."""
    data = _loaded(artifact.data)
    return data if isinstance(data, str) else json.dumps(data, indent=2, ensure_ascii=False)


def rows_of(data: Any) -> Rows | None:
    """The table that is meant: a list of rows, or a list for each column; None where it is none."""
    data = _loaded(data)
    if isinstance(data, dict):
        columns = cast("dict[str, Any]", data)
        if not all(isinstance(one, list) for one in columns.values()):
            return None
        length = max((len(one) for one in columns.values()), default=0)
        data = [
            {name: (one[place] if place < len(one) else None) for name, one in columns.items()}
            for place in range(min(length, MOST_ROWS))
        ]
        return _of_records(data, length)
    if not isinstance(data, list):
        return None
    listed = cast("list[Any]", data)
    if all(isinstance(one, dict) for one in listed):
        return _of_records(listed[:MOST_ROWS], len(listed))
    if all(isinstance(one, list) for one in listed):
        return Rows([], [[_cell(cell) for cell in one] for one in listed[:MOST_ROWS]], _rest(len(listed)))
    return None


def part_of(data: Any) -> float | None:
    """How much is done, in percent; None where that is not said."""
    try:
        return min(100.0, max(0.0, float(data)))
    except (TypeError, ValueError):
        return None


def compared(before: Artifact, after: Artifact) -> list[Line]:
    """What differs, line by line, with what stayed around it."""
    old = text_of_data(before).splitlines()[:MOST_LINES]
    new = text_of_data(after).splitlines()[:MOST_LINES]
    found: list[Line] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=True).get_opcodes():
        if kind == "equal":
            found += [Line(" ", one) for one in old[i1:i2]]
        else:
            found += [Line("-", one) for one in old[i1:i2]]
            found += [Line("+", one) for one in new[j1:j2]]
    return found


def _of_records(records: list[dict[str, Any]], length: int) -> Rows:
    columns = list(dict.fromkeys(str(name) for one in records for name in one))
    cells = [[_cell(one.get(name)) for name in columns] for one in records]
    return Rows(columns, cells, _rest(length))


def _rest(length: int) -> int:
    return max(0, length - MOST_ROWS)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _loaded(data: Any) -> Any:
    """Data that is JSON in a string, read."""
    if isinstance(data, str) and data[:1] in ("[", "{"):
        try:
            return json.loads(data)
        except ValueError:
            return data
    return data
