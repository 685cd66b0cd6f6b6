"""Named places where a test can kill the process. Free when unused: one global that is None.

A crash test sets `PLUPERFECT_FAULTPOINT="name:3"`: the third time the process passes `name`, it dies by SIGKILL,
as a power cut would have it. `names()` lists every place, so that a test can visit them all.
"""

from __future__ import annotations

import os
import signal
from typing import Final

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

_armed: tuple[str, int] | None = None
_passed = 0


def _load() -> None:
    global _armed
    wanted = os.environ.get("PLUPERFECT_FAULTPOINT")
    if wanted:
        name, _, count = wanted.partition(":")
        _armed = (name, int(count or 1))


def reach(name: str) -> None:
    """Pass the place `name`; die here if a test said so."""
    if _armed is not None and _armed[0] == name:
        _pass_armed()


def _pass_armed() -> None:
    global _passed
    assert _armed is not None
    _passed += 1
    if _passed == _armed[1]:
        os.kill(os.getpid(), signal.SIGKILL)


_load()
