"""Functions that have a sync and an async form."""

# What is handed in is Any, and narrowing Any makes it partially unknown.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from prefect._base.current import wants_awaitable

if TYPE_CHECKING:
    from collections.abc import Callable


def async_dispatch(async_impl: Any) -> Callable[[Any], Any]:
    """The decorated function acts at once; where an awaitable is wanted, the async form is called instead."""

    def decorate(sync_form: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(sync_form)
        def either(*args: Any, _sync: bool | None = None, **kwargs: Any) -> Any:
            use_async = wants_awaitable() if _sync is None else not _sync
            if not use_async:
                return sync_form(*args, **kwargs)
            if isinstance(async_impl, classmethod):
                return async_impl.__func__(*args, **kwargs)
            return async_impl(*args, **kwargs)

        either.aio = async_impl  # type: ignore[attr-defined] # the async form, by a name that packages use
        return either

    return decorate
