"""How the `prefect.runtime` modules answer: the context, else the environment, else a default (behaviour 65)."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

ENV_PREFIX = "PREFECT__RUNTIME"
_TRUE = frozenset(("true", "t", "yes", "y", "on", "1"))
Getter = Callable[[], Any]


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


_CASTS: dict[type, Callable[[str], Any]] = {
    bool: lambda text: text.lower() in _TRUE,
    int: int,
    float: float,
    str: str,
    type(None): str,
    datetime: _date,
}


def attribute(module: str, name: str, getters: dict[str, Getter]) -> Any:
    """The value of `prefect.runtime.<module>.<name>`.

    Raises:
        AttributeError: there is no such name.
        ValueError: a list or dict was to be set by an environment variable.
    """
    mocked = os.environ.get(f"{ENV_PREFIX}__{module.upper()}__{name.upper()}")
    getter = getters.get(name)
    if getter is None:
        if mocked is None:
            raise AttributeError(f"module 'prefect.runtime.{module}' has no attribute {name!r}")
        return mocked
    value = getter()
    if mocked is None:
        return value
    cast = _CASTS.get(type(value))
    if cast is None:
        raise ValueError(
            "This runtime context attribute cannot be mocked using an environment variable. "
            f"Expected a number, text, truth value or date for {name!r}, got {type(value).__name__}: "
            "set it in a run context instead."
        )
    return cast(mocked)
