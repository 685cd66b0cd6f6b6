"""The rules of a deployment's concurrency limit: a run holds a slot of it while it is being executed."""

from __future__ import annotations

from prefect._base.ids import new_uuid
from prefect._orchestration.transition import Abort, DeploymentLimit, Transition, new_state

_HOLDING = frozenset(("PENDING", "RUNNING", "CANCELLING"))


def keep_slot_to_run(t: Transition) -> Transition | None:
    """Rule 7: the slot taken on the way to Pending is still held when the run starts, or taken anew."""
    if (t.source, t.target) != ("PENDING", "RUNNING") or t.run.deployment_id is None:
        return None
    deployment = t.facts.deployment()
    if deployment is None or deployment.limit is None:
        return None
    if t.facts.holds_slot():
        return t._replace(slot="renew")
    if t.facts.free_slots() > 0:
        return _with_lease(t)
    return _cancelled(t, "The concurrency slot of the run has expired, and no other is free.")


def take_slot(t: Transition) -> Transition | Abort | None:
    """Rule 8: a run of a limited deployment takes a slot before it is submitted, or waits for one."""
    if t.target != "PENDING" or t.source in _HOLDING or t.run.deployment_id is None:
        return None
    deployment = t.facts.deployment()
    if deployment is None:
        return Abort("The deployment of the run is gone.")
    if deployment.limit is None:
        return None
    if deployment.limit == 0:
        return Abort("The concurrency limit of the deployment is 0.")
    return _with_lease(t) if t.facts.free_slots() > 0 else _turned_away(t, deployment)


def cancel_late_of_full_deployment(t: Transition) -> Transition | None:
    """Ours, in part: a run that would be Late is cancelled where its deployment is full and wants no queue."""
    if t.target != "SCHEDULED" or t.proposed.name != "Late" or t.run.deployment_id is None:
        return None
    deployment = t.facts.deployment()
    if deployment is None or deployment.limit is None or deployment.collision_strategy != "CANCEL_NEW":
        return None
    return None if t.facts.free_slots() > 0 else _turned_away(t, deployment)


def release_slot(t: Transition) -> Transition:
    """Rule 15: a run that is not being executed any more gives its slot back.

    It keeps it while the same process waits to try again.
    """
    retries_in_process = (
        t.proposed.name == "AwaitingRetry" and t.policy_in_force.get("retry_type") == "in_process"
    )
    leaves = t.source in _HOLDING and t.target not in _HOLDING
    if leaves and not retries_in_process and t.run.deployment_id is not None:
        return t._replace(slot="release")
    return t


def _with_lease(t: Transition) -> Transition:
    return t.with_details(deployment_concurrency_lease_id=str(new_uuid()))._replace(slot="take")


def _turned_away(t: Transition, deployment: DeploymentLimit) -> Transition:
    if deployment.collision_strategy == "CANCEL_NEW":
        return _cancelled(t, "The concurrency limit of the deployment is reached.")
    later = t.now + round(deployment.wait_seconds * 1_000_000)
    state = new_state("SCHEDULED", "AwaitingConcurrencySlot", t.proposed.timestamp, scheduled_time=later)
    return t.redirect(state, "The concurrency limit of the deployment is reached.")


def _cancelled(t: Transition, reason: str) -> Transition:
    return t.redirect(new_state("CANCELLED", "Cancelled", t.proposed.timestamp, reason), reason)
