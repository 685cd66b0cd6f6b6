"""What the engine asks of its driver. An effect knows how to be performed; only `perform` and `perform_async` differ.

User code is the only thing that may be a coroutine: everything else the engine does is synchronous (design,
decision 2), except waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._base.aside import Abandoned, aside
from prefect._base.drive import Call
from prefect._engine import timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prefect._backend.protocol import Backend


class TimedCall(Call):
    """Call a function of the user's under a time limit, in seconds.

    Raises:
        ScopeTimeout: it took longer.
    """

    __slots__ = ("timeout",)

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], timeout: float
    ) -> None:
        super().__init__(fn, args, kwargs)
        self.timeout = timeout

    def perform(self) -> Any:
        """Call it here; a coroutine is run to its end in an event loop of this thread."""
        with timeouts.deadline(self.timeout):
            return super().perform()

    async def perform_async(self) -> Any:
        """Call it here and await what it returns."""
        async with timeouts.deadline_async(self.timeout):
            return await super().perform_async()


class Verb:
    """Ask the backend. One whose verbs block is asked in a thread, and the event loop goes on meanwhile.

    Args:
        backend: which is asked.
        ask: asks it; changes nothing that the run knows of itself.
        adopt: given the answer, by who drives the run: also where it was cancelled while the verb was under way.

    After a cancellation `abandoned` says that the verb was still under way when waiting for it came to its end.
    """

    __slots__ = ("abandoned", "adopt", "ask", "backend")

    def __init__(
        self, backend: Backend, ask: Callable[[], Any], adopt: Callable[[Any], None] | None = None
    ) -> None:
        self.backend = backend
        self.ask = ask
        self.adopt = adopt
        self.abandoned = False

    def perform(self) -> Any:
        """Ask in this thread."""
        answer = self.ask()
        if self.adopt is not None:
            self.adopt(answer)
        return answer

    async def perform_async(self) -> Any:
        """Ask where it does not hold the event loop up."""
        if not self.backend.blocks:
            return self.perform()
        try:
            return await aside(self.ask, self.adopt)
        except Abandoned as exc:
            self.abandoned = True
            raise exc.cancellation from None


class Wait:
    """Wait until a future (anything with `wait()`) has ended."""

    __slots__ = ("future",)

    def __init__(self, future: Any) -> None:
        self.future = future

    def perform(self) -> None:
        """Block this thread (a worker thread lends its slot meanwhile)."""
        self.future.wait()

    async def perform_async(self) -> None:
        """Let the event loop go on: another thread does the waiting."""
        import asyncio  # the caller runs a loop, so it is loaded

        if not self.future.state.is_final():
            await asyncio.get_running_loop().run_in_executor(None, self.future.wait)


class Next:
    """The next item of an iterator of the user's, or of an asynchronous one."""

    __slots__ = ("iterator", "sent", "timeout")

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator

    def perform(self) -> Any:
        """Raises StopIteration's value as `Exhausted`."""
        try:
            return next(self.iterator)
        except StopIteration as stop:
            raise Exhausted(stop.value) from None

    async def perform_async(self) -> Any:
        """Raises `Exhausted` at the end."""
        try:
            return await self.iterator.__anext__()
        except StopAsyncIteration:
            raise Exhausted(None) from None


class Emit:
    """Hand an item to whoever iterates over the run."""

    __slots__ = ("item",)

    def __init__(self, item: Any) -> None:
        self.item = item


class Exhausted(Exception):
    """An iterator of the user's has ended; `value` is what it returned."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
