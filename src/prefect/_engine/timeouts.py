"""Interrupt user code that takes too long.

On the main thread a timer signal interrupts any blocking call. In a worker thread the interpreter can only be
asked to raise between two bytecodes: a call that blocks in C is reported as still running, never silently. A
coroutine is cancelled.
"""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from prefect._base.interrupting import raise_in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

_log = logging.getLogger("prefect.engine")


class ScopeTimeout(TimeoutError):
    """The time of a call is over. Raised inside the call; flows and tasks see their own subclasses of TimeoutError."""


def _expired(seconds: float) -> ScopeTimeout:
    return ScopeTimeout(f"Scope timed out after {float(seconds)} second(s).")


@contextmanager
def deadline(seconds: float) -> Generator[None, None, None]:
    """Raise ScopeTimeout in this thread, inside the block, when `seconds` are over."""
    if not in_worker_thread() and hasattr(signal, "setitimer"):
        with _by_signal(seconds):
            yield
    else:
        with _by_thread(seconds):
            yield


@contextmanager
def _by_signal(seconds: float) -> Generator[None, None, None]:
    def interrupt(*_: Any) -> None:
        raise _expired(seconds)

    before = signal.signal(signal.SIGALRM, interrupt)
    outer, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        # an enclosing deadline goes on with the time it has left; one that is over by now fires at once
        left = max(outer - seconds, 1e-6) if outer else 0.0
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Generator[None, None, None]:
    thread = threading.current_thread()
    state = _Watch(thread.ident or 0, seconds, thread.name)
    timer = threading.Timer(seconds, state.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except ThreadInterrupted:
        state.delivered = True
        raise _expired(seconds) from None
    finally:
        timer.cancel()
        if state.end():
            raise _expired(seconds) from None


def in_worker_thread() -> bool:
    """Whether this is not the main thread, so that a blocking call cannot be interrupted."""
    return threading.current_thread() is not threading.main_thread()


class ThreadInterrupted(BaseException):
    """What a worker thread is made to raise; a BaseException so that user code does not swallow it."""


class _Watch:
    """Whether the block is still running, and whether it was asked to stop: decided under one lock."""

    def __init__(self, ident: int, seconds: float, thread_name: str) -> None:
        self._lock = threading.Lock()
        self._ident = ident
        self._seconds = seconds
        self._thread_name = thread_name
        self._running = True
        self._asked = False
        self.delivered = False

    def interrupt(self) -> None:
        with self._lock:
            if self._running:
                self._asked = True
                raise_in_thread(self._ident, ThreadInterrupted)
        if self._asked:
            timer = threading.Timer(1.0, self._report)
            timer.daemon = True
            timer.start()

    def end(self) -> bool:
        """The block is over; True if it was interrupted so late that the exception has not come yet."""
        with self._lock:
            self._running = False
            if self._asked and not self.delivered:
                raise_in_thread(self._ident, None)
                self.delivered = True
                return True
            return False

    def _report(self) -> None:
        if self._running:
            _log.warning(
                "A call in %s has run over its time limit of %s s and cannot be interrupted while it blocks: "
                "it is still running. Use a ProcessPoolTaskRunner for calls that must be stopped.",
                self._thread_name,
                self._seconds,
            )


@asynccontextmanager
async def deadline_async(seconds: float) -> AsyncGenerator[None, None]:
    """Raise ScopeTimeout in this coroutine, inside the block, when `seconds` are over."""
    import asyncio  # the caller runs a loop, so it is loaded

    task = asyncio.current_task()
    assert task is not None
    expired = False

    def cancel() -> None:
        nonlocal expired
        expired = True
        task.cancel()

    handle = asyncio.get_running_loop().call_later(seconds, cancel)
    try:
        yield
    except asyncio.CancelledError:
        # a cancellation that is not ours goes on (behaviour 47)
        if not expired:
            raise
        getattr(task, "uncancel", int)()  # Python 3.11; before, a cancellation is not counted
        raise _expired(seconds) from None
    finally:
        handle.cancel()
