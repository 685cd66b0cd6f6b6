"""What changes in a flow run's row when it enters a state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._orchestration.transition import TERMINAL, Transition

if TYPE_CHECKING:
    from prefect.model.records import StateRecord


def changes_of(transition: Transition) -> dict[str, Any]:
    """The columns to write, `state` among them; its timestamp is later than that of the state before."""
    run, before = transition.run, transition.run.state
    state = transition.proposed._replace(timestamp=max(transition.proposed.timestamp, before.timestamp + 1))
    scheduled = (state.details or {}).get("scheduled_time") if state.type == "SCHEDULED" else None
    changes: dict[str, Any] = {
        "state": state,
        "updated": transition.now,
        "next_scheduled_start_time": scheduled,
    }
    if run.expected_start_time is None:
        changes["expected_start_time"] = scheduled or state.timestamp
    if before.type == "RUNNING":
        changes["total_run_time"] = run.total_run_time + state.timestamp - before.timestamp
    if state.type == "RUNNING":
        changes |= _started(transition, state.timestamp)
    if state.type in TERMINAL:
        if before.type not in TERMINAL:
            changes["end_time"] = state.timestamp
            changes["start_time"] = run.start_time or state.timestamp
    elif before.type in TERMINAL:
        # whoever executed the run before must not report on it any more
        changes |= {"end_time": None, "attempt": run.attempt + 1, "owner": None}
    if state.type == "PAUSED" and transition.detail("pause_reschedule") and transition.attempt is not None:
        changes["owner"] = None  # its executor has suspended it, and lets go of it
    if transition.policy is not None:
        changes.setdefault("policy", transition.policy)
    return changes


def _started(transition: Transition, timestamp: int) -> dict[str, Any]:
    """A run that resumes from a pause goes on with the same try."""
    run, policy = transition.run, transition.policy_in_force
    started: dict[str, Any] = {"start_time": run.start_time or timestamp}
    if policy.get("resuming"):
        return started | {"policy": {**policy, "resuming": False}}
    return started | {"run_count": run.run_count + 1}


def first_columns(state: StateRecord) -> dict[str, Any]:
    """The columns of a run that is created in a state."""
    scheduled = (state.details or {}).get("scheduled_time") if state.type == "SCHEDULED" else None
    columns: dict[str, Any] = {
        "expected_start_time": scheduled or state.timestamp,
        "next_scheduled_start_time": scheduled,
    }
    if state.type == "RUNNING":
        columns |= {"start_time": state.timestamp, "run_count": 1}
    if state.type in TERMINAL:
        columns |= {"start_time": state.timestamp, "end_time": state.timestamp}
    return columns
