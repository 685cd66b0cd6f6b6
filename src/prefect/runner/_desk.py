"""What a runner does, again and again: look for runs that are due, take them, start them, see them end."""

from __future__ import annotations

import contextvars
import logging
import time
from collections import deque
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefect._base.clock import now
from prefect.exceptions import PrefectException
from prefect.runner._children import Children
from prefect.runner._in_hand import InHand
from prefect.runner._taking import record_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from prefect.model.runs import FlowRun
    from prefect.runner._children import Child, Ending, Source
    from prefect.runner._feed import Feed
    from prefect.runner._taking import Taking

_log = logging.getLogger("prefect.runner")
RETRY_SECONDS: Final = 1.0  # after the store or the server did not answer


class Served(NamedTuple):
    """A deployment that a runner executes. `refresh` brings its code up to date, where that is stored elsewhere."""

    id: UUID
    flow_name: str
    source: Source
    job_variables: dict[str, Any]
    refresh: Callable[[], None] | None = None


class Manner(NamedTuple):
    """How a runner works; times in seconds.

    Attributes:
        limit: how many runs at once; None for any number.
        query_seconds: between looks that nothing has asked for.
        prefetch_seconds: how long before their time runs are known.
        grace_seconds: how long a cancelled run may take to stop.
        drain_seconds: how long runs may go on when the runner shuts down.
    """

    limit: int | None
    query_seconds: float
    prefetch_seconds: float
    grace_seconds: float
    drain_seconds: float


class Desk:
    """The runs of a runner. One thread calls `work`; everything else may be called from any.

    Args:
        taking: what is asked of the store or the server.
        feed: wakes it.
        manner: see there.
        on_killed: called with a run that has not ended by itself, and how it stands on record.
    """

    def __init__(
        self, taking: Taking, feed: Feed, manner: Manner, on_killed: Callable[[InHand, Any], None]
    ) -> None:
        self.manner = manner
        self.last_polled: datetime = now()
        self.served: dict[UUID, Served] = {}
        self.in_hand: dict[UUID, InHand] = {}
        self._taking = taking
        self._feed = feed
        self._on_killed = on_killed
        self._prefetch = timedelta(seconds=manner.prefetch_seconds)
        self._waiting: list[FlowRun] = []
        self._ended: deque[tuple[Child, Ending]] = deque()
        self._look_at = float("-inf")
        self._drain_until: float | None = None
        self._context = (
            contextvars.copy_context()
        )  # the settings in force here are those of the children's thread
        self._children = Children(self._on_line, self._on_end)

    # --- from any thread ------------------------------------------------------------------------------

    def serve(self, served: Served) -> None:
        """Execute the runs of a deployment from now on."""
        self.served[served.id] = served
        self._children.warm(served.source)
        self._look_at = float("-inf")
        self._feed.wake()

    def has_slots(self) -> bool:
        """Whether another run could be started."""
        return self.manner.limit is None or len(self.in_hand) < self.manner.limit

    @property
    def is_draining(self) -> bool:
        """Whether it takes no further runs."""
        return self._drain_until is not None

    def drain(self, seconds: float | None = None) -> None:
        """Take no further runs; those that still run after so long are handed over. `work` returns at the end."""
        until = time.monotonic() + (self.manner.drain_seconds if seconds is None else seconds)
        self._drain_until = until if self._drain_until is None else min(until, self._drain_until)
        self._feed.wake()

    def close(self) -> None:
        """End what starts the children."""
        self._children.close()
        self._feed.close()

    def _on_line(self, child: Child, line: str) -> None:
        taken = self.in_hand.get(child.run_id)
        if taken is not None:
            self._context.run(record_line, taken.run, taken.served.flow_name, line)

    def _on_end(self, child: Child, ending: Ending) -> None:
        self._ended.append((child, ending))
        self._feed.wake()

    # --- the thread -----------------------------------------------------------------------------------

    def work(self, *, run_once: bool = False) -> None:
        """Execute runs until it is drained; with `run_once`, those that are due now."""
        while True:
            try:
                self._settle_ended()
                if self.is_draining and not self.in_hand:
                    return
                self._see_to_cancellations()
                if self.is_draining:
                    self._hand_over()
                else:
                    self._look()
                    self._start_due()
                if run_once and not self.is_draining:
                    self.drain(float("inf"))
            except Exception as exc:
                _log.warning(
                    "The runner could not do its round (%s: %s); it tries again.", type(exc).__name__, exc
                )
                _log.debug("What failed:", exc_info=True)
                time.sleep(RETRY_SECONDS)
            self._feed.wait(self._seconds_to_next())

    def _seconds_to_next(self) -> float:
        moment = time.monotonic()
        if self._ended or (self.is_draining and not self.in_hand):
            return 0.0
        until = [taken.next_step - moment for taken in self.in_hand.values()]
        if self._drain_until is not None:
            until.append(self._drain_until - moment)
        else:
            until.append(self._look_at + self.manner.query_seconds - moment)
            if self._waiting and self.has_slots():
                due = min(run.next_scheduled_start_time or now() for run in self._waiting)
                until.append((due - now()).total_seconds())
        return min(max(0.0, min(until)), self.manner.query_seconds)

    def _look(self) -> None:
        if not self.served:
            return
        moment = time.monotonic()
        announce = moment - self._look_at >= self.manner.query_seconds
        if announce:
            self._look_at = moment
            self.last_polled = now()
        self._waiting = self._taking.waiting(list(self.served), now() + self._prefetch, announce=announce)

    def _start_due(self) -> None:
        moment = now()
        due = [run for run in self._waiting if (run.next_scheduled_start_time or moment) <= moment]
        for run in sorted(due, key=self._order):
            if not self.has_slots() or self.is_draining:
                break
            self._waiting.remove(run)
            if run.id not in self.in_hand:
                self._take(run)

    def _order(self, run: FlowRun) -> tuple[float, Any, UUID]:
        """The least priority number first, then the earliest."""
        return (_priority(self._variables(run)), run.next_scheduled_start_time or now(), run.id)

    def _variables(self, run: FlowRun) -> dict[str, Any]:
        assert run.deployment_id is not None  # it was looked for by that
        return {**self.served[run.deployment_id].job_variables, **(run.job_variables or {})}

    def _take(self, run: FlowRun) -> None:
        assert run.deployment_id is not None
        served, variables = self.served[run.deployment_id], self._variables(run)
        if not self._taking.claim(run):
            return
        taken = self.in_hand[run.id] = InHand(run, served)
        folder = variables.get("working_dir")
        try:
            if served.refresh is not None:
                served.refresh()
            taken.child = self._children.start(
                run.id,
                served.source,
                env=_environment(variables),
                command=variables.get("command"),
                working_dir=Path(folder) if folder else None,
            )
        except (OSError, RuntimeError, PrefectException) as exc:
            self._report(taken, None, f"No process could be started for the run: {exc}")
            self.in_hand.pop(run.id, None)
        else:
            _log.debug("Flow run '%s' is executed by pid %d", run.name, taken.child.pid)

    def _see_to_cancellations(self) -> None:
        if not self.in_hand:
            return
        for run_id in self._taking.cancelling(self.in_hand):
            taken = self.in_hand.get(run_id)
            if taken is not None:
                taken.cancel(self.manner.grace_seconds)
        for taken in list(self.in_hand.values()):
            taken.step()

    def _hand_over(self) -> None:
        """The time of the runs that still run is up: they are told to end, and another runner goes on with them."""
        assert self._drain_until is not None
        if time.monotonic() < self._drain_until:
            return
        for taken in self.in_hand.values():
            taken.hand_over()

    def _settle_ended(self) -> None:
        while self._ended:
            child, ending = self._ended[0]
            taken = self.in_hand.get(child.run_id)
            if taken is not None:
                self._report(taken, child.pid, ending.cause)
                del self.in_hand[child.run_id]
            self._ended.popleft()

    def _report(self, taken: InHand, pid: int | None, cause: str | None) -> None:
        record = self._taking.ended(taken.run.id, pid, cause, hand_over=taken.handed_over)
        said_here = cause is not None and record.state.message == cause
        if said_here and record.state.type in {"CRASHED", "CANCELLED"}:  # its own process has called no hooks
            self._on_killed(taken, record)
        if record.state.type == "SCHEDULED":
            _log.warning("Flow run '%s' is %s: %s", record.name, record.state.name, record.state.message)
        elif record.state.type == "CRASHED":
            _log.error("Flow run '%s' has crashed: %s", record.name, record.state.message)


def _environment(variables: dict[str, Any]) -> dict[str, str]:
    given: dict[str, Any] = variables.get("env") or {}
    return {name: str(value) for name, value in given.items() if value is not None}


def _priority(variables: dict[str, Any]) -> float:
    try:
        return float(variables.get("priority", 0))
    except (TypeError, ValueError):
        return 0.0
