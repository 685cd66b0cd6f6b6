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


def serve(
    *flows: Any,
    name: str | None = None,
    tags: list[str] | None = None,
    parameters: dict[str, Any] | None = None,
    description: str | None = None,
    version: str | None = None,
    enforce_parameter_schema: bool | None = None,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
    **kwargs: Any,
) -> None:
    """Serve flows as deployments. Raises PrefectException: not part of this release."""
    _refuse("serve", _DEPLOYMENTS)


async def aserve(
    *flows: Any,
    name: str | None = None,
    tags: list[str] | None = None,
    parameters: dict[str, Any] | None = None,
    description: str | None = None,
    version: str | None = None,
    enforce_parameter_schema: bool | None = None,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    webserver: bool = False,
    **kwargs: Any,
) -> None:
    """The async form of `serve`. Raises PrefectException: not part of this release."""
    _refuse("aserve", _DEPLOYMENTS)


def _later(name: str, reason: str) -> Callable[..., NoReturn]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        _refuse(name, reason)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raises PrefectException: {reason}."
    return refuse


deploy = _later("deploy", _DEPLOYMENTS)
