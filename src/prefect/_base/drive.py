"""Logic that is written once and runs synchronously or asynchronously: generators that yield effects.

A generator yields what it wants done, `yield Call(...)`, and receives the answer; `drive` performs the
effects in this thread, `drive_async` awaits them. Generators compose with `yield from`. An effect is anything
with the methods `perform` and `perform_async`.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from prefect._base import clock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

T = TypeVar("T")
_COROUTINE: type = CoroutineType


class Effect(Protocol):
    """What a generator may yield."""

    def perform(self) -> Any:
        """Do it in this thread."""
        ...

    async def perform_async(self) -> Any:
        """Do it in this event loop."""
        ...


class Call:
    """Call a function. An awaitable that it returns is awaited; the answer is what comes of it.

    Args:
        fn: the function.
        args: its positional arguments.
        kwargs: its keyword arguments.
        afn: called in its stead by the asynchronous driver, for what blocks and has an asynchronous form.
    """

    __slots__ = ("afn", "args", "fn", "kwargs")

    def __init__(
        self,
        fn: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        afn: Callable[..., Any] | None = None,
    ) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs or {}
        self.afn = afn or fn

    def perform(self) -> Any:
        """Call it here and run a coroutine to its end. Another awaitable may be a result: it stays."""
        value = self.fn(*self.args, **self.kwargs)
        return run_awaitable(value) if type(value) is _COROUTINE else value

    async def perform_async(self) -> Any:
        """Call it here and await what it returns."""
        value = self.afn(*self.args, **self.kwargs)
        return await value if hasattr(value, "__await__") else value


class Sleep:
    """Wait, by the clock in force."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def perform(self) -> None:
        """Block this thread."""
        clock.clock().sleep(self.seconds)

    async def perform_async(self) -> None:
        """Suspend this coroutine."""
        await clock.clock().sleep_async(self.seconds)


def drive(steps: Generator[Effect, Any, T], asked: Effect | None = None) -> T:
    """Run to the end in this thread, or on from an effect that was `asked` for; what the generator returns."""
    try:
        effect = asked or steps.send(None)
        while True:
            try:
                answer = effect.perform()
            except BaseException as exc:  # noqa: PERF203 - an effect's error is the generator's to handle
                effect = steps.throw(exc)
            else:
                effect = steps.send(answer)
    except StopIteration as end:
        return end.value


async def drive_async(steps: Generator[Effect, Any, T]) -> T:
    """Run to the end in this event loop; what the generator returns."""
    try:
        effect = steps.send(None)
        while True:
            try:
                answer = await effect.perform_async()
            except GeneratorExit as exc:  # noqa: PERF203 - the coroutine is closed: it may await nothing any more
                return drive(steps, steps.throw(exc))
            except BaseException as exc:
                effect = steps.throw(exc)
            else:
                effect = steps.send(answer)
    except StopIteration as end:
        return end.value


def run_awaitable(awaitable: Awaitable[T]) -> T:
    """Wait for an awaitable from synchronous code, also where this thread already runs an event loop."""
    import asyncio  # 30 ms of import that sync programs never need

    async def waiting() -> T:
        return await awaitable

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(waiting())
    return _run_elsewhere(waiting())


def _run_elsewhere(coroutine: Any) -> Any:
    """In a thread of its own, in this context: a loop cannot be entered twice."""
    import asyncio  # loaded: this thread runs a loop
    import contextvars
    from concurrent.futures import ThreadPoolExecutor

    context = contextvars.copy_context()
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(context.run, asyncio.run, coroutine).result()
