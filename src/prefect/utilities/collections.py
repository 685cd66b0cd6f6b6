"""Small things on lists and dicts, for packages written for Prefect 3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY = re.compile(r"[^.\[\]]+")


def listrepr(objs: Iterable[Any], sep: str = " ") -> str:
    """The objects as `repr` shows them, with a separator between them."""
    return sep.join(repr(one) for one in objs)


def get_from_dict(dct: Any, keys: str | list[str | int], default: Any = None) -> Any:
    """What a path leads to in dicts and lists within each other; the default where it leads to nothing.

    Args:
        dct: where to begin.
        keys: `a.b[0].c`, or its parts.
        default: for a path that leads to nothing.
    """
    parts: list[Any] = list(_KEY.findall(keys)) if isinstance(keys, str) else list(keys)
    found: Any = dct
    try:
        for part in parts:
            key: Any = int(part) if isinstance(found, list) else part
            found = cast("Any", found)[key]
    except (KeyError, IndexError, TypeError, ValueError):
        return default
    return found
