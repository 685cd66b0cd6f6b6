"""The parts that filters of all nouns are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from prefect._base.clock import to_us
from prefect._storage import clauses
from prefect._storage.clauses import Clause
from prefect.model.requests.base import FilterIdsOrNot, FilterNamesLike, FilterTagsAny, FilterTimeOrNone

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from prefect.model.requests.base import FilterIds, FilterNames, FilterTags, FilterTime

T = TypeVar("T")


def part(asked: T | None, compiled: Callable[[T], Clause]) -> list[Clause]:
    """The condition of a part of a filter, if it is asked for; an empty one is always true."""
    return [] if asked is None else [compiled(asked)]


def ids(column: str, asked: FilterIds) -> list[Clause]:
    """By id."""
    found = [] if asked.any_ is None else [clauses.any_of(column, _bytes(asked.any_))]
    if isinstance(asked, FilterIdsOrNot) and asked.not_any_ is not None:
        found.append(clauses.none_of(column, _bytes(asked.not_any_)))
    return found


def names(column: str, asked: FilterNames) -> list[Clause]:
    """By one of some texts, or a part of one."""
    found = [] if asked.any_ is None else [clauses.any_of(column, asked.any_)]
    if isinstance(asked, FilterNamesLike) and asked.like_ is not None:
        found.append(clauses.contains(column, asked.like_))
    return found


def times(column: str, asked: FilterTime, *, known: str | None = None) -> list[Clause]:
    """By a time. `known` is the column that is NULL while there is none, if that is another."""
    found: list[Clause] = []
    if asked.before_ is not None:
        found.append(_at(column, "<=", asked.before_))
    if asked.after_ is not None:
        found.append(_at(column, ">=", asked.after_))
    if isinstance(asked, FilterTimeOrNone) and asked.is_null_ is not None:
        found.append(clauses.is_null(known or column, asked.is_null_))
    return found


def null(column: str, wanted: bool | None) -> list[Clause]:
    """By whether there is something in the column."""
    return [] if wanted is None else [clauses.is_null(column, wanted)]


def tags(column: str, asked: FilterTags) -> Clause:
    """By the JSON list of tags in a column (see `clauses.has`), which is NULL or `[]` where there are none."""
    found: list[Clause] = []
    if asked.all_ is not None:
        found.append(clauses.joined("and_", [clauses.has(column, tag) for tag in asked.all_]))
    if isinstance(asked, FilterTagsAny) and asked.any_ is not None:
        found.append(clauses.has(column, *asked.any_) if asked.any_ else clauses.NOTHING)
    if asked.is_null_ is not None:
        some = Clause(f"EXISTS (SELECT 1 FROM json_each({column}))")  # noqa: S608 - a column of ours
        found.append(Clause(f"NOT {some.sql}") if asked.is_null_ else some)
    return clauses.joined(asked.operator.value, found)


def _at(column: str, operator: str, moment: datetime) -> Clause:
    return clauses.compare(column, operator, to_us(moment))


def _bytes(uuids: Sequence[UUID]) -> list[bytes]:
    return [one.bytes for one in uuids]
