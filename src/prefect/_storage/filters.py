"""One small compiler from conditions to WHERE."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Condition(NamedTuple):
    """`column operator value`. Operators: `in` (value: a sequence), `=`, `<`, `<=`, `>`, `>=`, `like`, `is null`."""

    column: str
    operator: str
    value: Any = None


_COMPARISONS = frozenset(("=", "<", "<=", ">", ">=", "like"))
OPERATORS = _COMPARISONS | {"in", "is null"}


def where(
    conditions: Iterable[Condition], columns: Mapping[str, str] | None = None, *, prefix: str = ""
) -> tuple[str, list[Any]]:
    """The WHERE clause (empty without conditions) and its values.

    Args:
        conditions: all must hold.
        columns: how a condition's column is spelled in SQL, where that is not its name behind `prefix`.
        prefix: the table's alias.
    """
    parts: list[str] = []
    values: list[Any] = []
    for column, operator, value in conditions:
        spelled = (columns or {}).get(column, prefix + column)
        if operator == "in":
            parts.append(f"{spelled} IN ({','.join('?' * len(value))})")
            values.extend(value)
        elif operator == "is null":
            parts.append(f"{spelled} IS NULL" if value else f"{spelled} IS NOT NULL")
        elif operator in _COMPARISONS:
            parts.append(f"{spelled} {operator} ?")
            values.append(value)
        else:
            raise ValueError(f"expected an operator of {sorted(OPERATORS)}, got {operator!r}")
    return (" WHERE " + " AND ".join(parts) if parts else ""), values
