"""Turn any value into JSON for show, and say whether JSON alone could bring it back."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import math
import re
from typing import Any

_FAITHFUL = frozenset((str, int, bool, type(None)))
_MAXIMUM_DEPTH = 32
PLACEHOLDER = re.compile(r"<\w+>")  # what stands for a value that cannot be shown


def to_jsonable(value: Any) -> tuple[Any, bool]:
    """The value as JSON types, and whether nothing was lost.

    What JSON cannot hold is shown as well as can be (dates as ISO text, models as objects) and in the last resort
    by a placeholder such as `"<Connection>"` (behaviour 12).
    """
    faithful = True

    def convert(item: Any, depth: int) -> Any:
        nonlocal faithful
        cls = type(item)
        if cls in _FAITHFUL:
            return item
        if cls is float and math.isfinite(item):
            return item
        if depth < _MAXIMUM_DEPTH:
            if cls is list:
                return [convert(one, depth + 1) for one in item]
            if cls is dict and all(type(key) is str for key in item):
                return {key: convert(one, depth + 1) for key, one in item.items()}
        faithful = False
        return (
            _shown(item, lambda one: convert(one, depth + 1))
            if depth < _MAXIMUM_DEPTH
            else _placeholder(item)
        )

    return convert(value, 0), faithful


def _shown(value: Any, convert: Any) -> Any:
    if hasattr(value, "model_dump"):
        try:
            return value.model_dump(mode="json")
        except Exception:
            return _placeholder(value)
    if isinstance(value, (tuple, set, frozenset)):
        return [convert(item) for item in value]  # type: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {str(key): convert(item) for key, item in value.items()}  # type: ignore[reportUnknownVariableType]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, (str, int)):
        return value.value if hasattr(value, "value") else value  # type: ignore[union-attr] - an enum
    module = type(value).__module__
    if module in {"uuid", "decimal", "fractions", "pathlib"}:
        return str(value)
    if isinstance(value, float):
        return str(value)
    return _placeholder(value)


def _placeholder(value: Any) -> str:
    return f"<{type(value).__name__}>"
