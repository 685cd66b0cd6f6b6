"""What blocks, done in a thread of its own while the event loop goes on."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

GRACE_SECONDS = 5.0  # that a coroutine which was cancelled waits for what is under way


class Abandoned(BaseException):
    """The coroutine was cancelled (`cancellation`), and what it waited for did not end in time."""

    def __init__(self, cancellation: BaseException) -> None:
        super().__init__()
        self.cancellation = cancellation


async def aside(work: Callable[[], Any], adopt: Callable[[Any], None] | None = None) -> Any:
    """What `work()` returns, called with this context's variables in a thread.

    A cancellation does not tear what is under way: it is waited for, up to `GRACE_SECONDS`, its answer adopted, and
    then the cancellation goes on. The thread is a daemon of its own and none of a pool's: a process that ends does
    not wait for a server that is away, a fork leaves nothing behind, and no other work keeps it waiting.

    Args:
        work: what blocks.
        adopt: given the answer, in this thread, also where the coroutine was cancelled meanwhile.

    Raises:
        Abandoned: it was cancelled, and `work` goes on alone; nobody gets its answer.
    """
    ended = _started(work)
    cancelled = await _cancelled_before(ended)
    answer, error = ended.result()
    if error is None and adopt is not None:
        adopt(answer)
    if cancelled is not None:
        raise cancelled from error
    if error is not None:
        raise error
    return answer


async def _cancelled_before(ended: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait for the end; the cancellation that came before it, if one did. Raises Abandoned."""
    import asyncio  # the caller runs a loop, so it is loaded

    try:
        await asyncio.wait((ended,))
    except asyncio.CancelledError as exc:
        cancelled = exc
    else:
        return None
    now = ended.get_loop().time
    deadline = now() + GRACE_SECONDS
    while not ended.done() and now() < deadline:
        with contextlib.suppress(asyncio.CancelledError):  # it is cancelled already
            await asyncio.wait((ended,), timeout=deadline - now())
    if not ended.done():
        raise Abandoned(cancelled)
    return cancelled


def _started(work: Callable[[], Any]) -> asyncio.Future[tuple[Any, BaseException | None]]:
    import asyncio  # the caller runs a loop, so it is loaded
    import contextvars  # with it

    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def settle(answer: Any, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((answer, error))

    def run() -> None:
        try:
            said: tuple[Any, BaseException | None] = context.run(work), None
        except BaseException as exc:
            said = None, exc
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, *said)

    threading.Thread(target=run, name="prefect-verb", daemon=True).start()
    return ended
