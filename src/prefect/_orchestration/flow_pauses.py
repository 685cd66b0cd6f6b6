"""The rules of pausing and resuming a flow run."""

from __future__ import annotations

from prefect._base.ids import new_uuid
from prefect._orchestration.transition import TERMINAL, Abort, Reject, Transition, new_state

NEVER_RESUMED = "The flow was failed and never resumed."


def pause_once(t: Transition) -> Transition | Reject | Abort | None:
    """Rule 10: only a running flow pauses, and each of its pauses only once, however often its code runs."""
    if t.target != "PAUSED":
        return None
    if t.source != "RUNNING":
        return Reject(None, f"Only a running flow can pause; this one is {t.source}.")
    key = t.detail("pause_key") or str(new_uuid())
    fired: list[str] = list(t.policy_in_force.get("pause_keys") or ())
    if key in fired:
        return Reject(None, f"The pause {key!r} has already fired.")
    if t.detail("pause_reschedule"):
        if t.run.parent_task_run_id is not None:
            return Abort("Cannot suspend subflows.")
        if t.run.deployment_id is None:
            return Abort("Cannot suspend flows without a deployment.")
    return t.with_policy(pause_keys=[*fired, key])


def resume_in_time(t: Transition) -> Transition | Reject | None:
    """Rule 11: what a paused run may become, and until when."""
    if t.source != "PAUSED":
        return None
    if t.target not in {"RUNNING", "SCHEDULED", "CANCELLING", *TERMINAL}:
        return Reject(None, f"The run is paused and cannot become {t.target}.")
    if t.target == "CANCELLING":
        return None
    timeout = t.present_detail("pause_timeout")
    if timeout is not None and timeout < t.now:
        state = new_state("FAILED", "Failed", t.proposed.timestamp, NEVER_RESUMED)
        return t.redirect(state, "The pause has timed out: the run can no longer resume.")
    if t.target in TERMINAL:
        return None
    return _resumed(t)


def _resumed(t: Transition) -> Transition | Reject:
    suspended = bool(t.present_detail("pause_reschedule"))
    if suspended and t.run.deployment_id is None:
        return Reject(None, "A suspended run without a deployment cannot resume: nobody would pick it up.")
    if t.target == "SCHEDULED" and not suspended:
        # the process that was paused is not waited for: the run starts over elsewhere
        return t.with_policy(pause_keys=[], resuming=False, retry_type="reschedule")
    return t.with_policy(resuming=True)
