"""Conditions of a WHERE as values that can be joined: what a filter of the API becomes.

The columns and tables in them are ours, what users send is always a parameter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Clause(NamedTuple):
    """A piece of SQL that is true or false, and the values of its placeholders."""

    sql: str
    values: tuple[Any, ...] = ()


NOTHING = Clause("1 = 0")


def compare(column: str, operator: str, value: Any) -> Clause:
    """`column operator value`."""
    return Clause(f"{column} {operator} ?", (value,))


def any_of(column: str, values: Sequence[Any]) -> Clause:
    """The column is one of the values; never, where there are none."""
    return Clause(f"{column} IN ({','.join('?' * len(values))})", tuple(values)) if values else NOTHING


def none_of(column: str, values: Sequence[Any]) -> Clause:
    """The column is none of the values."""
    return (
        Clause(f"{column} NOT IN ({','.join('?' * len(values))})", tuple(values))
        if values
        else Clause("1 = 1")
    )


def contains(column: str, text: str) -> Clause:
    """The text stands somewhere in the column, in whatever case."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Clause(f"lower({column}) LIKE ? ESCAPE '\\'", (f"%{escaped}%",))


def is_null(column: str, wanted: bool) -> Clause:
    """The column is NULL, or is not."""
    return Clause(f"{column} IS NULL" if wanted else f"{column} IS NOT NULL")


def has(column: str, text: str) -> Clause:
    """The JSON list in the column holds the text."""
    return Clause(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)", (text,))  # noqa: S608


def tags(column: str, operator: str, all_: Sequence[str] | None, is_null_: bool | None) -> Clause:
    """The JSON list in the column holds all of the tags; and, or or, is empty."""
    found = [has(column, tag) for tag in all_ or ()]
    if is_null_ is not None:
        found.append(Clause(f"{column} = '[]'" if is_null_ else f"{column} <> '[]'"))
    return joined(operator, found)


def joined(operator: str, clauses: Sequence[Clause]) -> Clause:
    """All of the clauses (`and_`), or one of them (`or_`); true where there are none."""
    if not clauses:
        return Clause("1 = 1")
    word = " AND " if operator == "and_" else " OR "
    return Clause(
        "(" + word.join(clause.sql for clause in clauses) + ")",
        tuple(value for clause in clauses for value in clause.values),
    )


def where(conditions: Sequence[Clause]) -> tuple[str, tuple[Any, ...]]:
    """The WHERE in which all of them hold (empty where there are none), and its values."""
    if not conditions:
        return "", ()
    both = joined("and_", conditions)
    return f" WHERE {both.sql}", both.values
