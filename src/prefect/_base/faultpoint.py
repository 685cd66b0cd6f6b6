"""Named places where a test can kill the process. Free when unused: one global that is None.

A crash test sets `PLUPERFECT_FAULTPOINT="name:3"`: the third time the process passes `name`, it dies by SIGKILL,
as a power cut would have it. `POINTS` lists every place, so that a test can visit them all. With
`PLUPERFECT_FAULTPOINT_COUNTS=file` nobody dies: how often each place was passed is written there when the process
ends, as one line of JSON a process.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

POINTS: Final = (
    "flow_run.created",
    "flow_run.running",
    "flow_run.before_finish",
    "flow_run.finished",
    "task_run.started",
    "task_run.before_result_write",
    "task_run.after_result_write",
    "task_run.finished",
    "journal.before_commit",
    "journal.after_commit",
    "result.temporary_written",
)

_visitor: Callable[[str], None] | None = None


def reach(name: str) -> None:
    """Pass the place `name`; die here if a test said so."""
    if _visitor is not None:
        _visitor(name)


def _killer(name: str, count: int) -> Callable[[str], None]:
    left = count

    def visit(passed: str) -> None:
        nonlocal left
        if passed == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return visit


def _counter(path: str) -> Callable[[str], None]:
    import atexit  # only crash tests count
    import json

    counts = dict.fromkeys(POINTS, 0)

    def visit(passed: str) -> None:
        counts[passed] += 1

    def write() -> None:
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs 10 ms of import
            file.write(json.dumps(counts) + "\n")

    atexit.register(write)
    return visit


def _load() -> None:
    global _visitor
    wanted, counts = os.environ.get("PLUPERFECT_FAULTPOINT"), os.environ.get("PLUPERFECT_FAULTPOINT_COUNTS")
    if wanted:
        name, _, count = wanted.partition(":")
        _visitor = _killer(name, int(count or 1))
    elif counts:
        _visitor = _counter(counts)


_load()
