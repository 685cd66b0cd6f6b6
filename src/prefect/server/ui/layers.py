"""Where the nodes of a directed graph stand: in columns, each behind all that it depends on, with few crossings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH: Final = 216
HEIGHT: Final = 48
ACROSS: Final = 56
BETWEEN: Final = 14
MARGIN: Final = 8
_SWEEPS = 4


class Place(NamedTuple):
    """The upper left corner of a node."""

    x: int
    y: int


class Drawing(NamedTuple):
    """A graph that is laid out; an edge is an SVG path, with the keys of both its ends."""

    width: int
    height: int
    places: dict[str, Place]
    edges: list[tuple[str, str, str]]


def layered(parents: Mapping[str, Sequence[str]]) -> Drawing:
    """Lay a graph out: for each node, those that it comes after. An edge that closes a circle moves nothing."""
    columns = _columns(parents)
    for _ in range(_SWEEPS):
        _sort(columns, parents)
    tallest = max((len(one) for one in columns), default=0)
    places: dict[str, Place] = {}
    for number, column in enumerate(columns):
        above = (tallest - len(column)) * (HEIGHT + BETWEEN) // 2
        for row, key in enumerate(column):
            x = MARGIN + number * (WIDTH + ACROSS)
            places[key] = Place(x, MARGIN + above + row * (HEIGHT + BETWEEN))
    edges = [
        (above, key, _path(places[above], places[key])) for key, some in parents.items() for above in some
    ]
    width = 2 * MARGIN + len(columns) * (WIDTH + ACROSS) - ACROSS
    return Drawing(max(width, 1), 2 * MARGIN + tallest * (HEIGHT + BETWEEN) - BETWEEN, places, edges)


def _columns(parents: Mapping[str, Sequence[str]]) -> list[list[str]]:
    depth: dict[str, int] = {}
    for key in parents:
        _fathom(key, parents, depth)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in parents:
        columns[depth[key]].append(key)
    return columns


def _fathom(first: str, parents: Mapping[str, Sequence[str]], depth: dict[str, int]) -> None:
    """The longest way to a node, without recursion: chains may be thousands long."""
    stack = [(first, iter(parents[first]))]
    open_: dict[str, int] = {first: 0}
    while stack:
        key, rest = stack[-1]
        above = next(rest, None)
        if above is None:
            stack.pop()
            depth[key] = open_.pop(key)
            if stack:
                below = stack[-1][0]
                open_[below] = max(open_[below], depth[key] + 1)
        elif above in depth:
            open_[key] = max(open_[key], depth[above] + 1)
        elif above not in open_:
            open_[above] = 0
            stack.append((above, iter(parents[above])))


def _sort(columns: list[list[str]], parents: Mapping[str, Sequence[str]]) -> None:
    """Put each node where its parents are, on the average."""
    at = {key: row for column in columns for row, key in enumerate(column)}
    for column in columns:
        middle = {
            key: sum(at[above] for above in parents[key]) / len(parents[key]) if parents[key] else at[key]
            for key in column
        }
        column.sort(key=middle.__getitem__)
        at.update({key: row for row, key in enumerate(column)})


def _path(start: Place, end: Place) -> str:
    x1, y1 = start.x + WIDTH, start.y + HEIGHT // 2
    x2, y2 = end.x, end.y + HEIGHT // 2
    bend = max(ACROSS // 2, abs(x2 - x1) // 3)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
