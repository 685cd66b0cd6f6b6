"""An answer that is not there yet: whoever asks waits for it as it can, in a thread or in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.exceptions import PrefectException

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.awaited import Awaited


class NotYet(PrefectException):
    """What an endpoint raises whose answer is to be waited for.

    Args:
        waiter: in whose name it is waited.
        seconds: how long at most.
        end: called with nothing once that is over: what it returns, or raises, is the answer.
        give_up: called instead where nobody wants the answer any more.
    """

    def __init__(
        self, waiter: Awaited[Any], seconds: float, end: Callable[[], Any], give_up: Callable[[], None]
    ) -> None:
        super().__init__("The answer is to be waited for.")
        self.waiter = waiter
        self.seconds = seconds
        self.end = end
        self.give_up = give_up

    def wait(self) -> Any:
        """The answer, waited for in this thread."""
        try:
            self.waiter.wait(self.seconds)
        except BaseException:
            self.give_up()
            raise
        return self.end()

    async def wait_async(self) -> Any:
        """The answer, waited for in this event loop."""
        try:
            await self.settled()
        except BaseException:
            self.give_up()
            raise
        return self.end()

    async def settled(self) -> None:
        """Until there is an answer, or the time is over."""
        import asyncio  # the caller runs a loop, so it is loaded

        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def told() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ended.set)

        self.waiter.tell(told)
        await asyncio.wait({asyncio.ensure_future(ended.wait())}, timeout=self.seconds)
