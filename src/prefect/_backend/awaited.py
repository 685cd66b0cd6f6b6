"""An answer that comes later, from another thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

A = TypeVar("A")


class Awaited(Generic[A]):
    """Who waits for it. `answer` is None until there is one."""

    def __init__(self) -> None:
        self.answer: A | None = None
        self._ended = threading.Event()
        self._told: Callable[[], None] | None = None

    def settle(self, answer: A | None) -> None:
        """That is the answer; None where there will be none."""
        self.answer = answer
        self._ended.set()
        if self._told is not None:
            self._told()

    def tell(self, told: Callable[[], None]) -> None:
        """Call this, from whichever thread, once it is settled."""
        self._told = told
        if self._ended.is_set():
            told()

    def wait(self, seconds: float) -> None:
        """Until it is settled, or for so many seconds."""
        deadline = time.monotonic() + seconds
        # in slices: a thread that is told to stop notices between two of them
        while not self._ended.wait(min(0.25, max(0.0, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return
