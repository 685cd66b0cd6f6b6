"""SIGTERM ends a run as a crash, properly recorded; then it does what it did before (behaviour 49)."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.exceptions import TerminationSignal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@contextmanager
def termination_raises(was_asked: Callable[[], bool]) -> Generator[None, None, None]:
    """Inside the block SIGTERM raises TerminationSignal; behind it the previous handler gets the signal.

    Args:
        was_asked: whether the signal came from a cancellation of the run: then nobody else gets it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(signum: int, _: Any) -> None:
        raise TerminationSignal(signal=signum)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except TerminationSignal as received:
        signal.signal(signal.SIGTERM, before)
        if not was_asked():
            os.kill(os.getpid(), received.signal)
        raise
    finally:
        found = signal.signal(signal.SIGTERM, before)
        if found is not interrupt:  # the code inside has put its own there
            signal.signal(signal.SIGTERM, found)
