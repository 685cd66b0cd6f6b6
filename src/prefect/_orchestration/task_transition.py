"""What the rules of task runs are asked, and what they may ask back."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Union

from prefect._orchestration.transition import Abort, Reject, Wait
from prefect.model.history import states_of
from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord

MAXIMUM_SLOT_WAIT_SECONDS = 10.0


class TagLimit(NamedTuple):
    """How many task runs with a tag may run at once, and how many more may now."""

    tag: str
    limit: int
    free: int


def _no_flow_run() -> FlowRunRecord | None:
    return None


def _no_cached_state(_: str) -> StateRecord | None:
    return None


def _no_limits(_: Sequence[str]) -> Sequence[TagLimit]:
    return ()


def _slot_wait() -> float:
    """At random, so that those who wait for the same slot do not all ask at once."""
    return min(random.expovariate(2 / MAXIMUM_SLOT_WAIT_SECONDS), MAXIMUM_SLOT_WAIT_SECONDS)


class TaskFacts(NamedTuple):
    """What only the store knows, asked when a rule needs it; and chance.

    `flow_run`: the run that the task run is part of. `cached_state`: the Completed state stored under a cache
    key. `limits`: those that apply to some tags. `jitter`: between 0 and 1. `slot_wait`: seconds.
    """

    flow_run: Callable[[], FlowRunRecord | None] = _no_flow_run
    cached_state: Callable[[str], StateRecord | None] = _no_cached_state
    limits: Callable[[Sequence[str]], Sequence[TagLimit]] = _no_limits
    jitter: Callable[[], float] = random.random
    slot_wait: Callable[[], float] = _slot_wait


class TaskTransition(NamedTuple):
    """A state proposed for a task run at `now` (µs UTC), as the rules pass it on from one to the next.

    Made by `of`. `run_count` is what the run's becomes before it is counted on; `redirected` says why another
    state was put in the place of the proposed one.
    """

    run: TaskRunRecord
    present: StateRecord
    proposed: StateRecord
    now: int
    force: bool
    facts: TaskFacts
    policy: dict[str, Any]
    tags: Sequence[str]
    run_count: int
    flow_run_run_count: int
    redirected: str | None = None

    @classmethod
    def of(
        cls,
        run: TaskRunRecord,
        proposed: StateRecord,
        now: int,
        *,
        force: bool = False,
        facts: TaskFacts | None = None,
    ) -> TaskTransition:
        """The transition to ask the rules about."""
        detail: dict[str, Any] = json.loads(run.detail) if run.detail else {}
        return cls(
            run=run,
            present=states_of(run)[-1],
            proposed=proposed,
            now=now,
            force=force,
            facts=facts or TaskFacts(),
            policy=detail.get("policy", {}),
            tags=tuple(detail.get("tags", ())),
            run_count=run.run_count,
            flow_run_run_count=run.flow_run_run_count,
        )

    @property
    def source(self) -> str:
        """The type of the present state."""
        return self.present.type

    @property
    def target(self) -> str:
        """The type of the proposed state."""
        return self.proposed.type

    def detail(self, name: str) -> Any:
        """A detail of the proposed state, None if it has none of that name."""
        return (self.proposed.details or {}).get(name)

    def present_detail(self, name: str) -> Any:
        """A detail of the present state, None if it has none of that name."""
        return (self.present.details or {}).get(name)

    def with_details(self, **details: Any) -> TaskTransition:
        """The same with more details in the proposed state."""
        merged = {**(self.proposed.details or {}), **details}
        return self._replace(proposed=self.proposed._replace(details=merged))

    def named(self, name: str) -> TaskTransition:
        """The same with another name for the proposed state."""
        return self._replace(proposed=self.proposed._replace(name=name))

    def redirect(self, state: StateRecord, reason: str) -> TaskTransition:
        """The same with another state in the place of the proposed one."""
        return self._replace(proposed=state, redirected=reason)


TaskRule = Callable[[TaskTransition], Union[TaskTransition, Reject, Wait, Abort, None]]
