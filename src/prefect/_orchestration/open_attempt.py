"""Ours: take up a run that nobody executes. The new attempt fences off every earlier one."""

from __future__ import annotations

from typing import Any

from prefect._orchestration.flow_rules import STARTED_OVER
from prefect._orchestration.transition import TERMINAL, new_state
from prefect.exceptions import Abort
from prefect.model.records import FlowRunRecord, StateRecord

_KEPT = {
    "SCHEDULED": ("scheduled_time",),
    "PENDING": ("scheduled_time", "deployment_concurrency_lease_id"),
    "RUNNING": ("deployment_concurrency_lease_id",),
}
_OPEN_TO_ALL = TERMINAL | {"SCHEDULED", "PENDING", "RUNNING"}


def open_attempt(run: FlowRunRecord, now: int, *, owner_is_dead: bool = False) -> dict[str, Any]:
    """The columns to write when a new attempt of `run` starts at `now` (microseconds UTC).

    It starts Pending, whether the run has ended, was never started, or is Running with nobody behind it any
    more (no owner, or `owner_is_dead`). A time it is scheduled for still holds, and so does its slot in a limit.

    Raises:
        Abort: somebody executes the run, or it is paused or being cancelled.
    """
    state = run.state
    if state.type not in _OPEN_TO_ALL:
        raise Abort(f"Flow run '{run.name}' is {state.name}: it cannot be executed until that has ended.")
    if run.owner is not None and state.type not in TERMINAL and not owner_is_dead:
        raise Abort(f"Flow run '{run.name}' is {state.name}: another process executes it.")
    pending = new_state("PENDING", "Pending", max(now, state.timestamp + 1), **_kept(state))
    # a suspended run that resumes goes on where it stopped: its pauses have fired
    policy = run.policy if run.policy.get("resuming") else {**run.policy, **STARTED_OVER}
    return {
        "state": pending,
        "updated": now,
        "attempt": run.attempt + 1,
        "owner": None,
        "end_time": None,
        "next_scheduled_start_time": None,
        "policy": policy,
    }


def _kept(state: StateRecord) -> dict[str, Any]:
    details = state.details or {}
    return {name: details.get(name) for name in _KEPT.get(state.type, ())}
