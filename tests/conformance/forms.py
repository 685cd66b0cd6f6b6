"""Write a flow or task body once, run it sync and async.

A body is a plain function. Where it has to wait for a call that is a coroutine in the async form, it says
`yield call(...)` and gets the value: in the sync form that is just the value, in the async form it is awaited.

    @flow
    @form
    def parent():
        return (yield child())

    assert form.run(parent) == 1
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any

Body = Callable[..., Any]


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _finish(steps: Generator[Any, Any, Any]) -> Any:
    """Give back to a body whatever it yields."""
    value = None
    while True:
        try:
            value = steps.send(value)
        except StopIteration as end:
            return end.value


async def _finish_async(steps: Generator[Any, Any, Any]) -> Any:
    """Await what a body yields and give back the value, or throw the error in where it stands."""
    proceed: Callable[[], Any] = functools.partial(next, steps)
    while True:
        try:
            waiting_for = proceed()
        except StopIteration as end:
            return end.value
        try:
            proceed = functools.partial(steps.send, await _settled(waiting_for))
        except Exception as error:
            proceed = functools.partial(steps.throw, error)


def _posing_as(body: Body) -> Callable[[Body], Body]:
    """`functools.wraps`, with the annotations resolved where the body stands instead of here."""

    def pose(function: Body) -> Body:
        functools.update_wrapper(function, body)
        function.__signature__ = inspect.signature(body, eval_str=True)  # type: ignore[attr-defined]
        return function

    return pose


class Sync:
    """Bodies become plain functions, called directly."""

    is_async = False

    def __call__(self, body: Body) -> Body:
        if not inspect.isgeneratorfunction(body):
            return body

        @_posing_as(body)
        def function(*args: Any, **kwargs: Any) -> Any:
            return _finish(body(*args, **kwargs))

        return function

    def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call it as a script does."""
        return call(*args, **kwargs)


class Async:
    """Bodies become coroutine functions, awaited in an event loop of their own."""

    is_async = True

    def __call__(self, body: Body) -> Body:
        @_posing_as(body)
        async def function(*args: Any, **kwargs: Any) -> Any:
            if inspect.isgeneratorfunction(body):
                return await _finish_async(body(*args, **kwargs))
            return body(*args, **kwargs)

        return function

    def run(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call and await it under `asyncio.run`, as a script does."""

        async def main() -> Any:
            return await _settled(call(*args, **kwargs))

        return asyncio.run(main())


Form = Sync | Async
