"""A run that a runner executes, and how it is made to end: asked, told by SIGTERM, killed."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from prefect.model.runs import FlowRun
    from prefect.runner._children import Child
    from prefect.runner._desk import Served

_log = logging.getLogger("prefect.runner")
NEVER: Final = float("inf")
ASKED_SECONDS: Final = (
    3.0  # a run learns within half a second that it is to stop; then it is told by a signal
)
HAND_OVER_SECONDS: Final = 10.0  # that a run takes to record that it was interrupted


class Stoppable:
    """A run in a child of this process. One thread uses it."""

    def __init__(self, run: FlowRun) -> None:
        self.run = run
        self.child: Child | None = None
        self.handed_over = False
        self._terminate_at = self._kill_at = NEVER

    @property
    def next_step(self) -> float:
        """When `step` has something to do, on the monotonic clock."""
        return min(self._terminate_at, self._kill_at)

    def cancel(self, grace_seconds: float) -> None:
        """It was asked to stop; where it does not, it is told by SIGTERM, and killed after the grace time."""
        if self._kill_at == NEVER:
            moment = time.monotonic()
            self._terminate_at = moment + min(ASKED_SECONDS, grace_seconds / 2)
            self._kill_at = moment + grace_seconds

    def hand_over(self) -> None:
        """Interrupt it, so that another runner goes on with it."""
        if not self.handed_over:
            self.handed_over = True
            moment = time.monotonic()
            self._terminate_at = moment
            self._kill_at = min(self._kill_at, moment + HAND_OVER_SECONDS)
            self.step()

    def step(self) -> None:
        """Do what is due."""
        moment = time.monotonic()
        if self.child is None or moment < self.next_step:
            return
        if moment >= self._kill_at:
            _log.warning("Flow run '%s' does not stop: its processes are killed.", self.run.name)
            self._kill_at = moment + HAND_OVER_SECONDS  # should that not have reached all of them
            self.child.kill()
        elif moment >= self._terminate_at:
            self._terminate_at = NEVER
            self.child.terminate()


class InHand(Stoppable):
    """A run of this runner."""

    def __init__(self, run: FlowRun, served: Served) -> None:
        super().__init__(run)
        self.served = served
