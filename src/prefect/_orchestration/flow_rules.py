"""The rules of flow runs, in the order in which they are asked.

A rule answers None (no objection), the transition with something added, or a decision, which ends the asking.
"""

from __future__ import annotations

from typing import Any

from prefect._orchestration.flow_pauses import pause_once, resume_in_time
from prefect._orchestration.flow_schedules import catch_up, overlap
from prefect._orchestration.flow_slots import cancel_late_of_full_deployment, keep_slot_to_run, take_slot
from prefect._orchestration.transition import (
    TERMINAL,
    Abort,
    Reject,
    Rule,
    Transition,
    Wait,
    new_state,
)
from prefect.model.records import StateRecord

# what a run forgets when it starts over
STARTED_OVER: dict[str, Any] = {"pause_keys": [], "resuming": False}


def refuse_older_attempt(t: Transition) -> Abort | None:
    """Ours: who lost the run to a newer attempt must not write to it any more."""
    if t.attempt is not None and t.attempt < t.run.attempt:
        return Abort(f"A newer attempt owns this run: attempt {t.attempt} was followed by {t.run.attempt}.")
    return None


def refuse_after_end(t: Transition) -> Abort | None:
    """Ours: for its executor, a run that has ended stays as it ended, unless it opens a new attempt."""
    if t.attempt is not None and t.source in TERMINAL:
        return Abort(f"The run has ended ({t.run.state.name}); only a new attempt can go on with it.")
    return None


def set_scheduled_time(t: Transition) -> Transition | None:
    """A scheduled state without a time is scheduled for now."""
    if t.target == "SCHEDULED" and t.detail("scheduled_time") is None:
        return t.with_details(scheduled_time=t.now)
    return None


def keep_lease_id(t: Transition) -> Transition | None:
    """Rule 1: the id of the concurrency lease goes on from state to state."""
    lease = t.present_detail("deployment_concurrency_lease_id")
    if lease and not t.detail("deployment_concurrency_lease_id"):
        return t.with_details(deployment_concurrency_lease_id=lease)
    return None


def refuse_duplicate(t: Transition) -> Reject | None:
    """Rule 2: a transition that was written already, and whose answer was lost, is not written again."""
    transition_id = t.detail("transition_id")
    if transition_id and transition_id == t.present_detail("transition_id"):
        return Reject(None, "This transition has been made already.")
    return None


def keep_persisted_result(t: Transition) -> Reject | None:
    """Rule 3, in part: a completed run does not lose its persisted result."""
    if t.source == t.target == "COMPLETED" and is_persisted(t.run.state) and not is_persisted(t.proposed):
        return Reject(None, "The run is Completed with a persisted result, which this state would lose.")
    return None


def leave_terminal(t: Transition) -> Transition | Reject | Abort | None:
    """Rule 3: what a run that has ended may still become."""
    if t.source not in TERMINAL:
        return None
    if t.target in {"CANCELLING", "PAUSED", "CRASHED"}:
        return Abort(f"The run has ended ({t.source}) and cannot become {t.target}.")
    if t.target in TERMINAL:
        return None
    if t.source == "COMPLETED" and is_persisted(t.run.state):
        return Reject(None, "The run is Completed with a persisted result.")
    if t.target != "SCHEDULED":
        return t.with_policy(**STARTED_OVER)
    if t.run.deployment_id is None:
        return Abort("A run without a deployment cannot be scheduled again: nobody would pick it up.")
    return t.with_policy(**STARTED_OVER, retry_type="reschedule")


def stay_cancelling(t: Transition) -> Reject | None:
    """Rule 4: from Cancelling only to Cancelled."""
    if t.source == "CANCELLING" and t.target != "CANCELLED":
        return Reject(None, "The run is being cancelled and can only become Cancelled.")
    return None


def cancel_idle(t: Transition) -> Transition | None:
    """Rule 5: where no process is to be stopped, the run is cancelled at once."""
    if t.target != "CANCELLING" or t.run.owner is not None:
        return None
    scheduled = t.source == "SCHEDULED" and (not t.run.infrastructure_pid or t.run.state.name == "Resuming")
    if scheduled or (t.source == "PAUSED" and t.present_detail("pause_reschedule")):
        state = new_state("CANCELLED", "Cancelled", t.proposed.timestamp, t.proposed.message)
        return t.redirect(state, f"The run is {t.run.state.name}: there is no process to stop.")
    return None


def enter_pending_once(t: Transition) -> Transition | Abort | None:
    """Rule 6: no run is submitted twice; the stages of one submission follow each other."""
    if t.target != "PENDING" or t.source not in {"PENDING", "RUNNING", "CANCELLING", "CANCELLED"}:
        return None
    if t.source == "PENDING" and t.proposed.name not in {"Pending", t.run.state.name}:
        scheduled_time = t.present_detail("scheduled_time")
        return t.with_details(scheduled_time=scheduled_time) if scheduled_time is not None else None
    return Abort(f"The run is {t.source} and cannot become PENDING.")


def late_once(t: Transition) -> Reject | None:
    """Rule 9: only a scheduled run is late, and only once."""
    if t.target != "SCHEDULED" or t.proposed.name != "Late":
        return None
    if t.source != "SCHEDULED":
        return Reject(None, "Only a scheduled run can be late.")
    return Reject(None, "The run is marked as late already.") if t.run.state.name == "Late" else None


def copy_scheduled_time(t: Transition) -> Transition | None:
    """Rule 12: a run that is being submitted keeps its time."""
    scheduled_time = t.present_detail("scheduled_time")
    if (
        (t.source, t.target) == ("SCHEDULED", "PENDING")
        and t.detail("scheduled_time") is None
        and scheduled_time is not None
    ):
        return t.with_details(scheduled_time=scheduled_time)
    return None


def wait_for_scheduled_time(t: Transition) -> Wait | None:
    """Rule 13: no run starts before its time."""
    scheduled_time = t.present_detail("scheduled_time")
    if t.source not in {"SCHEDULED", "PENDING"} or t.target != "RUNNING" or scheduled_time is None:
        return None
    if scheduled_time <= t.now:
        return None
    return Wait((scheduled_time - t.now) / 1_000_000, "The scheduled time is in the future.")


def retry_failed(t: Transition) -> Transition | None:
    """Rule 14: a run that failed is tried again by the same process while it has retries left."""
    if (t.source, t.target) != ("RUNNING", "FAILED"):
        return None
    policy = t.policy_in_force
    retries = policy.get("retries") or 0
    if not retries or t.run.run_count > retries:
        return t.with_policy(retry_type=None) if policy.get("retry_type") else None
    state = new_state(
        "SCHEDULED",
        "AwaitingRetry",
        t.proposed.timestamp,
        t.proposed.message,
        data=t.proposed.data,
        scheduled_time=t.now + round((policy.get("retry_delay") or 0) * 1_000_000),
        deployment_concurrency_lease_id=t.detail("deployment_concurrency_lease_id"),
    )
    return t.with_policy(**STARTED_OVER, retry_type="in_process").redirect(state, "Retrying")


def is_persisted(state: StateRecord) -> bool:
    """Whether the state says where its result is stored."""
    return bool(state.data and state.data.get("storage_key"))


FLOW_RUN_RULES: tuple[Rule, ...] = (
    refuse_older_attempt,
    set_scheduled_time,
    keep_lease_id,
    refuse_duplicate,
    refuse_after_end,
    keep_persisted_result,
    leave_terminal,
    cancel_idle,
    stay_cancelling,
    enter_pending_once,
    catch_up,
    overlap,
    keep_slot_to_run,
    take_slot,
    late_once,
    cancel_late_of_full_deployment,
    pause_once,
    resume_in_time,
    copy_scheduled_time,
    wait_for_scheduled_time,
    retry_failed,
)

FLOW_RUN_FORCED_RULES: tuple[Rule, ...] = (
    refuse_older_attempt,
    refuse_after_end,
    set_scheduled_time,
    keep_lease_id,
    keep_persisted_result,
    cancel_idle,
)
