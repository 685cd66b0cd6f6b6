"""Public names whose parts come with a later release: importable, so that code which only mentions them runs.

Calling one says what it needs. `docs/compatibility.md` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from prefect.exceptions import PrefectException

_DEPLOYMENTS = "deployments and schedules are not part of this release"


def _refuse(name: str, reason: str) -> NoReturn:
    raise PrefectException(
        f"{name}() cannot be used yet: {reason}. Call the flow directly, or run it from cron; "
        "see docs/compatibility.md."
    )


def _later(name: str, reason: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        _refuse(name, reason)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raises PrefectException: {reason}."
    return refuse


deploy = _later("deploy", _DEPLOYMENTS)
