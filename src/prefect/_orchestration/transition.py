"""What the rules are asked, what they may ask back, and what they can answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, Union

from prefect._base.ids import new_id
from prefect.model.records import FlowRunRecord, StateRecord

TERMINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))

# what becomes of the run's slot in its deployment's concurrency limit, in the same transaction
Slot = Literal["take", "renew", "release"]


class DeploymentLimit(NamedTuple):
    """The concurrency limit of a deployment (None: no limit), and what a run does when it is reached."""

    limit: int | None = None
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    wait_seconds: float = 30.0


def _no_deployment() -> DeploymentLimit | None:
    return None


def _no_slots() -> int:
    return 0


def _no_slot() -> bool:
    return False


class Sibling(NamedTuple):
    """Another run of the same schedule."""

    id: bytes
    name: str
    state_name: str


def _no_sibling(*, waiting: bool = False) -> Sibling | None:
    _ = waiting
    return None


class SiblingsAsked(Protocol):
    """Asks for a run of the same schedule that has begun and not ended; with `waiting` also for an earlier one."""

    def __call__(self, *, waiting: bool = False) -> Sibling | None:
        """One of them, if there are any."""
        ...


class SlotFacts(NamedTuple):
    """The schedule that a run was made for, by its policies, and the other runs of it.

    `slot`: for when the run was made (µs UTC). `newer_is_due`: whether there is a later one whose time has come.
    """

    overlap: str | None
    catch_up: str | None
    slot: int
    sibling: SiblingsAsked = _no_sibling
    newer_is_due: Callable[[], bool] = _no_slot


def _no_schedule() -> SlotFacts | None:
    return None


class Facts(NamedTuple):
    """What only the store knows. The questions are asked when a rule needs the answer, in the transaction.

    `deployment`: the limit of the run's deployment, None if the deployment is gone. `free_slots`: how many of
    its slots are free. `holds_slot`: whether the run holds one, with a lease that has not expired. `schedule`: for
    which slot of which schedule the run was made, None if for none that has a policy.
    """

    deployment: Callable[[], DeploymentLimit | None] = _no_deployment
    free_slots: Callable[[], int] = _no_slots
    holds_slot: Callable[[], bool] = _no_slot
    schedule: Callable[[], SlotFacts | None] = _no_schedule


class Accept(NamedTuple):
    """Write `changes`: the columns of the run, with its new `state` among them."""

    state: StateRecord
    changes: dict[str, Any]
    slot: Slot | None = None


class Reject(NamedTuple):
    """Another state was chosen (then write `changes`), or the present one is kept (`state` is None).

    `cancels` is another run, which is to be cancelled in the same transaction.
    """

    state: StateRecord | None
    reason: str
    changes: dict[str, Any] = {}  # noqa: RUF012 - never written to; a NamedTuple default
    slot: Slot | None = None
    cancels: bytes | None = None


class Wait(NamedTuple):
    """Write nothing; ask again after `delay_seconds`."""

    delay_seconds: float
    reason: str


class Abort(NamedTuple):
    """Write nothing; the caller must stop."""

    reason: str


Decision = Union[Accept, Reject, Wait, Abort]


class Transition(NamedTuple):
    """A state proposed for a flow run at `now` (µs UTC), as the rules pass it on from one to the next.

    `attempt` is the attempt that proposes it, None if that is not the run's executor. The rest is what rules
    have added: a changed `policy`, the `slot`, and in `redirected` why another state was put in the place of
    the proposed one.
    """

    run: FlowRunRecord
    proposed: StateRecord
    now: int
    force: bool = False
    attempt: int | None = None
    facts: Facts = Facts()
    policy: dict[str, Any] | None = None
    slot: Slot | None = None
    redirected: str | None = None
    cancels: bytes | None = None

    @property
    def source(self) -> str:
        """The type of the present state."""
        return self.run.state.type

    @property
    def target(self) -> str:
        """The type of the proposed state."""
        return self.proposed.type

    @property
    def policy_in_force(self) -> dict[str, Any]:
        """The run's policy with what the rules have changed."""
        return self.run.policy if self.policy is None else self.policy

    def detail(self, name: str) -> Any:
        """A detail of the proposed state, None if it has none of that name."""
        return (self.proposed.details or {}).get(name)

    def present_detail(self, name: str) -> Any:
        """A detail of the present state, None if it has none of that name."""
        return (self.run.state.details or {}).get(name)

    def with_details(self, **details: Any) -> Transition:
        """The same with more details in the proposed state."""
        return self._replace(
            proposed=self.proposed._replace(details={**(self.proposed.details or {}), **details})
        )

    def with_policy(self, **changes: Any) -> Transition:
        """The same with another policy for the run."""
        return self._replace(policy={**self.policy_in_force, **changes})

    def redirect(self, state: StateRecord, reason: str) -> Transition:
        """The same with another state in the place of the proposed one."""
        return self._replace(proposed=state, redirected=reason)


Rule = Callable[[Transition], Union[Transition, Reject, Wait, Abort, None]]


def new_state(
    state_type: str,
    name: str,
    timestamp: int,
    message: str | None = None,
    *,
    data: dict[str, Any] | None = None,
    **details: Any,
) -> StateRecord:
    """A state that a rule makes; details that are None are left out."""
    kept = {key: value for key, value in details.items() if value is not None}
    return StateRecord(new_id(), state_type, name, timestamp, message, data, kept or None)
