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
EVERYTHING = Clause("1 = 1")


def compare(column: str, operator: str, value: Any) -> Clause:
    """`column operator value`."""
    return Clause(f"{column} {operator} ?", (value,))


def any_of(column: str, values: Sequence[Any]) -> Clause:
    """The column is one of the values; never, where there are none."""
    return Clause(f"{column} IN ({','.join('?' * len(values))})", tuple(values)) if values else NOTHING


def none_of(column: str, values: Sequence[Any]) -> Clause:
    """The column is none of the values."""
    return Clause(f"{column} NOT IN ({','.join('?' * len(values))})", tuple(values)) if values else EVERYTHING


def contains(column: str, text: str) -> Clause:
    """The text stands somewhere in the column, in whatever case."""
    return Clause(f"lower({column}) LIKE ? ESCAPE '\\'", (f"%{_literal(text)}%",))


def starts_with(column: str, text: str) -> Clause:
    """The column begins with the text, in whatever case."""
    return Clause(f"lower({column}) LIKE ? ESCAPE '\\'", (f"{_literal(text)}%",))


def _literal(text: str) -> str:
    return text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def is_null(column: str, wanted: bool) -> Clause:
    """The column is NULL, or is not."""
    return Clause(f"{column} IS NULL" if wanted else f"{column} IS NOT NULL")


def has(column: str, *texts: str) -> Clause:
    """The JSON list in the column holds one of the texts.

    `column` may be two arguments of `json_each`: `detail, '$.tags'` is the list under that key of an object.
    """
    marks = ",".join("?" * len(texts))
    return Clause(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value IN ({marks}))", texts)  # noqa: S608


def tags(column: str, operator: str, all_: Sequence[str] | None, is_null_: bool | None) -> Clause:
    """The JSON list in the column holds all of the tags; and, or or, is empty."""
    found = [joined("and_", [has(column, tag) for tag in all_])] if all_ is not None else []
    if is_null_ is not None:
        found.append(Clause(f"{column} = '[]'" if is_null_ else f"{column} <> '[]'"))
    return joined(operator, found)


def begins_with(column: str, text: str) -> Clause:
    """The column begins with the text; `%` and `_` mean themselves."""
    # the length is no value: Postgres knows no substr with a number as wide as it takes ours for
    return Clause(f"(substr({column}, 1, {len(text)}) = ?)", (text,))


def joined(operator: str, clauses: Sequence[Clause]) -> Clause:
    """All of the clauses (`and_`), or one of them (`or_`); true where there are none."""
    if len(clauses) < 2:
        return clauses[0] if clauses else EVERYTHING
    word = " AND " if operator == "and_" else " OR "
    return Clause(
        "(" + word.join(clause.sql for clause in clauses) + ")",
        tuple(value for clause in clauses for value in clause.values),
    )


def exists(source: str, conditions: Sequence[Clause]) -> Clause:
    """There is a row of `source` (what follows FROM, with its own WHERE begun) that meets every condition."""
    both = joined("and_", conditions)
    return Clause(f"EXISTS (SELECT 1 FROM {source} AND {both.sql})", both.values)  # noqa: S608


def among(column: str, key: str, source: str, conditions: Sequence[Clause]) -> Clause:
    """The column is the `key` of a row of `source` (what follows FROM) that meets every condition."""
    text, values = where(conditions)
    return Clause(f"{column} IN (SELECT {key} FROM {source}{text})", values)  # noqa: S608


def where(conditions: Sequence[Clause]) -> tuple[str, tuple[Any, ...]]:
    """The WHERE in which all of them hold (empty where there are none), and its values."""
    if not conditions:
        return "", ()
    both = joined("and_", conditions)
    return f" WHERE {both.sql}", both.values
