"""Methods that exist twice, `name` and `aname` (behaviour 13)."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from prefect._base.current import wants_awaitable

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def dual(method: F) -> F:
    """Acts at once; where an awaitable is wanted, it gives that of the method `a<name>` instead.

    It can stand on a method or, inside of `@classmethod`, on a class method.
    """

    @wraps(method)
    def either(owner: Any, *args: Any, **kwargs: Any) -> Any:
        if wants_awaitable():
            return getattr(owner, f"a{method.__name__}")(*args, **kwargs)
        return method(owner, *args, **kwargs)

    return either  # type: ignore[return-value] # of the same signature


async def in_thread(fn: Callable[..., Any], *args: Any) -> Any:
    """Call what blocks in a thread, so that the event loop goes on."""
    import asyncio  # the caller runs a loop, so it is loaded

    return await asyncio.to_thread(fn, *args)
