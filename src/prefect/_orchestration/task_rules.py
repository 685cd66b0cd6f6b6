"""The rules of task runs, in the order in which they are asked.

The engine does not ask them: a task run of its own is one process's alone. They are for whoever sets the
state of a task run from outside, and for background tasks.
"""

from __future__ import annotations

from prefect._base.ids import new_id
from prefect._orchestration.task_transition import TaskRule, TaskTransition
from prefect._orchestration.transition import TERMINAL, Abort, Reject, Wait, new_state

MAXIMUM_CACHE_KEY_LENGTH = 2000


def limit_cache_key(t: TaskTransition) -> Reject | None:
    """Rule 5: a cache key is at most 2000 characters long."""
    key = t.detail("cache_key")
    if key is not None and len(key) > MAXIMUM_CACHE_KEY_LENGTH:
        return Reject(None, f"The cache key has {len(key)} characters; at most 2000 are allowed.")
    return None


def use_cached_state(t: TaskTransition) -> TaskTransition | None:
    """Rule 1: what has been computed under the same cache key, and has not expired, is not computed again."""
    key = t.detail("cache_key")
    if t.target != "RUNNING" or not key or t.detail("refresh_cache"):
        return None
    cached = t.facts.cached_state(key)
    if cached is None:
        return None
    expiration = (cached.details or {}).get("cache_expiration")
    if expiration is not None and expiration <= t.now:
        return None
    state = cached._replace(id=new_id(), name="Cached", timestamp=t.proposed.timestamp)
    return t.redirect(state, "The result is in the cache.")


def leave_terminal_task(t: TaskTransition) -> TaskTransition | Reject | Abort | None:
    """Rule 2: what a task run that has ended may still become."""
    if t.source not in TERMINAL:
        return None
    if t.target in {"CANCELLING", "PAUSED", "CRASHED"}:
        return Abort(f"The run has ended ({t.source}) and cannot become {t.target}.")
    if t.target in TERMINAL:
        return None
    if t.source == "COMPLETED" and t.present.data:
        return Reject(None, "The run is Completed with a persisted result.")
    again = t._replace(run_count=0)
    flow_run = t.facts.flow_run()
    later_attempt = flow_run is not None and flow_run.run_count > t.run.flow_run_run_count
    return again.named("Retrying") if t.target == "RUNNING" and later_attempt else again


def run_with_flow(t: TaskTransition) -> TaskTransition | Abort | None:
    """Rule 3: a task runs while its flow runs; also the number of the flow's try is kept."""
    if t.target != "RUNNING" or t.run.flow_run_id is None:
        return None
    flow_run = t.facts.flow_run()
    if flow_run is None:
        return Abort("The flow run is gone.")
    if flow_run.state.type == "PAUSED":
        state = new_state("PAUSED", "NotReady", t.proposed.timestamp, "The flow is paused.")
        return t.redirect(state, "The flow is paused.")
    if flow_run.state.type != "RUNNING":
        return Abort(f"The flow run is {flow_run.state.type}; its tasks run only while it is RUNNING.")
    return t._replace(flow_run_run_count=flow_run.run_count)


def wait_for_tag_slots(t: TaskTransition) -> Wait | Abort | None:
    """Rule 4: a task runs while every limit on its tags has room."""
    if t.target != "RUNNING" or t.source == "RUNNING" or not t.tags:
        return None
    limits = t.facts.limits(t.tags)
    shut = [limit.tag for limit in limits if limit.limit == 0]
    if shut:
        return Abort(f"The concurrency limit of tag {shut[0]!r} is 0.")
    full = [limit.tag for limit in limits if limit.free <= 0]
    if full:
        return Wait(t.facts.slot_wait(), f"The concurrency limit of tag {full[0]!r} is reached.")
    return None


def copy_task_schedule(t: TaskTransition) -> TaskTransition | None:
    """Rule 5: a run that is being submitted keeps its time."""
    scheduled_time = t.present_detail("scheduled_time")
    if (t.source, t.target) != ("SCHEDULED", "PENDING") or t.detail("scheduled_time") is not None:
        return None
    return None if scheduled_time is None else t.with_details(scheduled_time=scheduled_time)


def wait_for_task_schedule(t: TaskTransition) -> Wait | None:
    """Rule 5: no run starts before its time."""
    scheduled_time = t.present_detail("scheduled_time")
    if t.source not in {"SCHEDULED", "PENDING"} or t.target != "RUNNING" or scheduled_time is None:
        return None
    if scheduled_time <= t.now:
        return None
    return Wait((scheduled_time - t.now) / 1_000_000, "The scheduled time is in the future.")


def retry_failed_task(t: TaskTransition) -> TaskTransition | None:
    """Rule 5: a run that failed is tried again while it has retries left, unless its state says otherwise."""
    retries = t.policy.get("retries") or 0
    if (t.source, t.target) != ("RUNNING", "FAILED") or t.detail("retriable") is False:
        return None
    if not retries or t.run_count > retries:
        return None
    state = new_state(
        "SCHEDULED",
        "AwaitingRetry",
        t.proposed.timestamp,
        t.proposed.message,
        data=t.proposed.data,
        scheduled_time=t.now + round(_retry_delay(t) * 1_000_000),
    )
    return t.redirect(state, "Retrying")


def _retry_delay(t: TaskTransition) -> float:
    """In seconds: the last of a list repeats; the jitter makes it longer by up to its factor."""
    given: float | list[float] = t.policy.get("retry_delay") or 0
    delay = given[min(t.run_count, len(given)) - 1] if isinstance(given, list) else given
    return delay * (1 + t.facts.jitter() * (t.policy.get("retry_jitter_factor") or 0))


def rename_reruns(t: TaskTransition) -> TaskTransition | None:
    """Rule 5: running again is called Retrying after AwaitingRetry, and Rerunning otherwise."""
    if t.target != "RUNNING" or t.proposed.name != "Running" or t.run.run_count == 0:
        return None
    return t.named("Retrying" if t.present.name == "AwaitingRetry" else "Rerunning")


def submit_deferred_once(t: TaskTransition) -> TaskTransition | Abort | None:
    """Rule 6: a background run is submitted once, and keeps the id of its stored parameters."""
    if not t.present_detail("deferred"):
        return None
    if (t.source, t.target) == ("PENDING", "PENDING"):
        return Abort("The run is PENDING already: another worker has taken it.")
    parameters_id = t.present_detail("task_parameters_id")
    if t.target in TERMINAL or t.detail("task_parameters_id") is not None or parameters_id is None:
        return None
    return t.with_details(task_parameters_id=parameters_id, deferred=True)


TASK_RUN_RULES: tuple[TaskRule, ...] = (
    limit_cache_key,
    use_cached_state,
    leave_terminal_task,
    run_with_flow,
    submit_deferred_once,
    copy_task_schedule,
    wait_for_task_schedule,
    wait_for_tag_slots,
    retry_failed_task,
    rename_reruns,
)
