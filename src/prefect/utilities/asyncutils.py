"""Calling sync code from async code, for packages written for Prefect 3."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


async def run_sync_in_worker_thread(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call a function in another thread, with the context variables of here; what it returns."""
    import anyio.to_thread  # the caller runs a loop

    return await anyio.to_thread.run_sync(partial(fn, *args, **kwargs), abandon_on_cancel=True)
