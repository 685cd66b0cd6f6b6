"""What the rules ask about a deployment's concurrency limit, and what becomes of a run's slot by their decision.

All of it in the transaction that decides: the limit is locked before its free slots are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend import slots
from prefect._backend.schedule_policies import slot_facts
from prefect._orchestration import DeploymentLimit, Facts
from prefect._storage import concurrency
from prefect._storage.concurrency import LEASES, LIMITS, SECOND, SLOTS, LeaseRecord, SlotRecord
from prefect._storage.deployments import DEPLOYMENTS
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._orchestration import Accept, Reject
    from prefect._storage.concurrency import LimitRecord
    from prefect._storage.deployments import DeploymentRecord
    from prefect._storage.protocol import Transaction
    from prefect.model.records import FlowRunRecord, StateRecord

LEASE = "deployment_concurrency_lease_id"  # the detail of a state that says under which lease the run holds a slot


def facts_of(cx: Transaction, run: FlowRunRecord, now: int) -> Facts:
    """What the store knows of the limit of a run's deployment, asked for when a rule needs it."""
    found: list[tuple[DeploymentRecord | None, LimitRecord | None]] = []

    def limited() -> tuple[DeploymentRecord | None, LimitRecord | None]:
        if not found:
            found.append(_locked(cx, run))
        return found[0]

    def deployment() -> DeploymentLimit | None:
        record, limit = limited()
        if record is None:
            return None
        if limit is None or not limit.active:
            return DeploymentLimit()
        strategy = (record.concurrency_options or {}).get("collision_strategy", "ENQUEUE")
        wait = get_current_settings().server.deployments.concurrency_slot_wait_seconds
        return DeploymentLimit(limit.slot_limit, strategy, wait)

    def free_slots() -> int:
        _, limit = limited()
        if limit is None:
            return 0
        taken = concurrency.levels(cx, [limit.id], now).get(limit.id, 0.0)
        return limit.slot_limit - concurrency.whole(taken)

    def holds_slot() -> bool:
        lease = LEASES.read(cx, id=lease_id) if (lease_id := _lease_of(run.state)) else None
        return lease is not None and (lease.expires is None or lease.expires > now)

    return Facts(deployment, free_slots, holds_slot, lambda: slot_facts(cx, run, now))


def settle(cx: Transaction, run: FlowRunRecord, decision: Accept | Reject, now: int) -> None:
    """Take, renew or give back the run's slot, as was decided."""
    lease_id = _lease_of(run.state) if decision.slot == "release" else _lease_of(decision.state)
    if decision.slot is None or lease_id is None:
        return
    if decision.slot == "release":
        slots.give_back(cx, lease_id)
        return
    deployment, limit = _locked(cx, run)
    expires = now + _grace_of(deployment) * SECOND
    if decision.slot == "renew":
        concurrency.renew(cx, lease_id, expires, now)
    elif limit is not None:
        concurrency.forget_expired(cx, limit.id, now)
        LEASES.insert(cx, LeaseRecord(lease_id, "flow_run", run.id, now, expires))
        SLOTS.insert(cx, SlotRecord(limit.id, lease_id, 1, 0, expires))


def give_back_slot_of(cx: Transaction, run: FlowRunRecord) -> None:
    """The run has ended with its process: its slot is free."""
    lease_id = _lease_of(run.state)
    if lease_id is not None:
        slots.give_back(cx, lease_id)


def _locked(cx: Transaction, run: FlowRunRecord) -> tuple[DeploymentRecord | None, LimitRecord | None]:
    deployment = DEPLOYMENTS.read(cx, id=run.deployment_id)
    if deployment is None or deployment.concurrency_limit_id is None:
        return deployment, None
    limit = LIMITS.read(cx, id=deployment.concurrency_limit_id)
    return deployment, next(iter(concurrency.lock(cx, [limit.name])), None) if limit else None


def _grace_of(deployment: DeploymentRecord | None) -> int:
    options: dict[str, Any] = (deployment and deployment.concurrency_options) or {}
    usual = get_current_settings().server.concurrency.initial_deployment_lease_duration
    return options.get("grace_period_seconds") or round(usual)


def _lease_of(state: StateRecord | None) -> bytes | None:
    found = (state.details or {}).get(LEASE) if state else None
    return UUID(found).bytes if found else None
