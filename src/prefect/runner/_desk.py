"""What a runner does, again and again: look for runs that are due, take them, start them, see them end."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prefect._base.clock import now
from prefect.exceptions import PrefectException
from prefect.runner._children import Children
from prefect.runner._taking import Taking

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from prefect.model.runs import FlowRun
    from prefect.runner._children import Child, Ending, Source
    from prefect.runner._feed import Feed

_log = logging.getLogger("prefect.runner")
RETRY_SECONDS: Final = 1.0  # after the store or the server did not answer


class Served(NamedTuple):
    """A deployment that a runner executes."""

    id: UUID
    name: str
    source: Source
    job_variables: dict[str, Any]


class InHand:
    """A run that this runner executes."""

    def __init__(self, run: FlowRun, served: Served) -> None:
        self.run = run
        self.served = served
        self.child: Child | None = None
        self.cancelling_since: float | None = None
        self.signalled = False


class Desk:
    """The runs of a runner. One thread calls `work`; everything else may be called from any.

    Args:
        taking: what is asked of the store or the server.
        feed: wakes it.
        limit: how many runs at once; None for any number.
        query_seconds: between looks that nothing has asked for.
        prefetch_seconds: how long before their time runs are known.
    """

    def __init__(
        self,
        taking: Taking,
        feed: Feed,
        *,
        limit: int | None,
        query_seconds: float,
        prefetch_seconds: float,
        grace_seconds: float,
    ) -> None:
        self.limit = limit
        self.last_polled = now()
        self.served: dict[UUID, Served] = {}
        self.in_hand: dict[UUID, InHand] = {}
        self._taking = taking
        self._feed = feed
        self._query_seconds = query_seconds
        self._prefetch = timedelta(seconds=prefetch_seconds)
        self._grace = grace_seconds
        self._waiting: list[FlowRun] = []
        self._ended: deque[tuple[Child, Ending]] = deque()
        self._look_at = 0.0
        self._draining = threading.Event()
        self._children = Children(self._on_line, self._on_end)

    # --- from any thread ------------------------------------------------------------------------------

    def serve(self, served: Served) -> None:
        """Execute the runs of a deployment from now on."""
        self.served[served.id] = served
        self._children.warm(served.source)
        self._feed.wake()

    def has_slots(self) -> bool:
        """Whether another run could be started."""
        return self.limit is None or len(self.in_hand) < self.limit

    def drain(self) -> None:
        """Take no further runs; `work` returns when those that run have ended."""
        self._draining.set()
        self._feed.wake()

    def _on_line(self, child: Child, line: str) -> None:
        self._taking.record_line(child.run_id, line)

    def _on_end(self, child: Child, ending: Ending) -> None:
        self._ended.append((child, ending))
        self._feed.wake()

    # --- the thread -----------------------------------------------------------------------------------

    def work(self, *, run_once: bool = False) -> None:
        """Execute runs until it is drained; with `run_once`, those that are due now."""
        while True:
            try:
                self._settle_ended()
                taking = not self._draining.is_set()
                if taking:
                    self._look()
                    self._start_due()
                if run_once:
                    self.drain()
                if not taking and not self.in_hand:
                    return
                self._feed.wait(self._seconds_to_next())
            except Exception as exc:
                _log.warning("The runner could not ask for runs (%s); it tries again.", exc)
                time.sleep(RETRY_SECONDS)

    def _seconds_to_next(self) -> float:
        until = self._look_at + self._query_seconds - time.monotonic()
        if self._waiting and self.has_slots() and not self._draining.is_set():
            due = min(run.next_scheduled_start_time or now() for run in self._waiting)
            until = min(until, (due - now()).total_seconds())
        return max(0.0, until)

    def _look(self) -> None:
        if not self.served:
            return
        moment = time.monotonic()
        announce = moment - self._look_at >= self._query_seconds
        if announce:
            self._look_at = moment
            self.last_polled = now()
        self._waiting = self._taking.waiting(list(self.served), now() + self._prefetch, announce=announce)

    def _start_due(self) -> None:
        due = [run for run in self._waiting if (run.next_scheduled_start_time or now()) <= now()]
        for run in sorted(due, key=self._order):
            if not self.has_slots():
                break
            self._waiting.remove(run)
            if run.id not in self.in_hand:
                self._take(run)

    def _order(self, run: FlowRun) -> tuple[float, Any, UUID]:
        assert run.deployment_id is not None
        own = (run.job_variables or {}).get("priority")
        usual = self.served[run.deployment_id].job_variables.get("priority", 0)
        return (float(usual if own is None else own), run.next_scheduled_start_time, run.id)

    def _take(self, run: FlowRun) -> None:
        assert run.deployment_id is not None
        served = self.served[run.deployment_id]
        if not self._taking.claim(run):
            return
        taken = self.in_hand[run.id] = InHand(run, served)
        variables = {**served.job_variables, **(run.job_variables or {})}
        try:
            taken.child = self._children.start(
                run.id,
                served.source,
                env={key: str(value) for key, value in (variables.get("env") or {}).items()},
                command=variables.get("command"),
                working_dir=variables.get("working_dir"),
            )
        except (OSError, PrefectException) as exc:
            self.in_hand.pop(run.id)
            self._taking.ended(run.id, None, f"No process could be started for the run: {exc}")

    def _settle_ended(self) -> None:
        while self._ended:
            child, ending = self._ended[0]
            self._taking.ended(child.run_id, child.pid, ending.cause)
            self.in_hand.pop(child.run_id, None)
            self._ended.popleft()
