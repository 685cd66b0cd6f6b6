"""Types that appear in the signatures of the public API."""

# What is handed in is Any, and narrowing Any makes it partially unknown.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect.model.base import DateTime as DateTime


def validate_set_T_from_delim_string(value: Any, type_: Any, delim: str | None = None) -> set[Any]:  # noqa: N802 - a name of the API
    """The parts of a text such as `a,b`, or what else is given, as a set of values of a type.

    Raises:
        ValidationError: a part is not of the type.
    """
    from pydantic import TypeAdapter  # 100 ms, for settings of packages only

    if not value:
        return set()
    parts: Any = value.split(delim or ",") if isinstance(value, str) else value
    parts = parts if isinstance(parts, (set, list, tuple)) else [parts]
    stripped: list[Any] = [part.strip() if isinstance(part, str) else part for part in parts]
    one = TypeAdapter(type_)
    return {one.validate_python(part) for part in stripped if part != ""}


def __getattr__(name: str) -> Any:
    if name == "DateTime":
        from prefect.model.base import DateTime  # as above

        return DateTime
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
