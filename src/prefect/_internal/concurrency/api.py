"""Calling something in another thread, which may be async."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Call(NamedTuple):
    """A call that is to be made."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self) -> Any:
        """Make it, in this thread; an awaitable is awaited in a loop of its own."""
        found = self.fn(*self.args, **self.kwargs)
        return asyncio.run(_awaited(found)) if inspect.isawaitable(found) else found


def create_call(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Call:
    """A call, to be made later."""
    return Call(fn, args, kwargs)


class from_sync:  # noqa: N801 - a name of the API
    """Calls made from sync code."""

    @staticmethod
    def call_soon_in_new_thread(call: Call | Callable[[], Any], timeout: float | None = None) -> Future[Any]:
        """Make a call in a new thread; what it comes to. `timeout` is for who waits."""
        _ = timeout
        made = call if isinstance(call, Call) else Call(call, (), {})
        future: Future[Any] = Future()
        context = copy_context()
        Thread(target=context.run, args=(_settle, made, future), daemon=True).start()
        return future

    @classmethod
    def call_in_new_thread(cls, call: Call | Callable[[], Any], timeout: float | None = None) -> Any:
        """Make a call in a new thread, and wait. Raises TimeoutError after `timeout` seconds."""
        return cls.call_soon_in_new_thread(call).result(timeout)

    call_soon_in_loop_thread = call_soon_in_new_thread
    call_in_loop_thread = call_in_new_thread
    wait_for_call_in_new_thread = call_in_new_thread
    wait_for_call_in_loop_thread = call_in_new_thread


def _settle(call: Call, future: Future[Any]) -> None:
    try:
        future.set_result(call.run())
    except BaseException as exc:  # it is raised where the call is waited for
        future.set_exception(exc)


async def _awaited(found: Any) -> Any:
    return await found
