"""How a child process ended, and why: in words that stand in the state of its run."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

from prefect._base import procinfo

if TYPE_CHECKING:
    from collections.abc import Callable

REPORTED = b"="  # what a child leaves behind that has brought its run to the state it wanted


class Ending(NamedTuple):
    """What became of a child.

    `exit_code` or `signal` says how it ended; both are None where nobody could see it. `cause` is None for a child
    that has reported its run's final state (or that it is paused, or another's) itself, and else a sentence for
    people. `peak_memory` is in bytes.
    """

    exit_code: int | None
    signal: int | None
    cause: str | None
    peak_memory: int | None


class OutOfMemory:
    """Tells the kernel's kills for want of memory from others, by the count of this control group."""

    def __init__(self, count: Callable[[], int | None] = procinfo.oom_kills) -> None:
        self._count = count
        self._accounted = count()

    def begin(self) -> None:
        """No child lives: what was counted so far concerns none."""
        self._accounted = self._count()

    def is_blamed(self) -> bool:
        """Whether a child that was just found killed by SIGKILL was one that the kernel has counted."""
        counted = self._count()
        if counted is None or self._accounted is None or counted <= self._accounted:
            return False
        self._accounted += 1
        return True


def ending_of(status: int, peak_memory: int | None, word: bytes, memory: OutOfMemory) -> Ending:
    """How it ended, from its wait status and the word it left."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        out_of_memory = number == signal.SIGKILL and memory.is_blamed()
        return Ending(None, number, _cause(word, _killed(number, out_of_memory, peak_memory)), peak_memory)
    code = os.WEXITSTATUS(status)
    told = f"The process of the run ended with exit code {code} before it could report an end"
    return Ending(code, None, _cause(word, f"{told}{_peak(peak_memory)}."), peak_memory)


def unseen(word: bytes) -> Ending:
    """How it ended where nobody could see that."""
    told = "The process of the run is gone, and so is the one that started it: how it ended is not known."
    return Ending(None, None, _cause(word, told), None)


def bytes_of(peak: int) -> int:
    """`ru_maxrss` in bytes: macOS counts those, others kilobytes."""
    return peak if sys.platform == "darwin" else peak * 1024


def _cause(word: bytes, otherwise: str) -> str | None:
    if word.startswith(REPORTED):
        return None
    return word.decode(errors="replace") or otherwise


def _killed(number: int, out_of_memory: bool, peak_memory: int | None) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    blame = ": the kernel ended it for want of memory in its control group (OOM)" if out_of_memory else ""
    return f"The process of the run was killed by {name}{blame}{_peak(peak_memory)}."


def _peak(peak_memory: int | None) -> str:
    return f"; it had used up to {peak_memory / 1e6:.0f} MB" if peak_memory else ""
