"""Whether a failed task run is tried again, and when."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from prefect._base.clock import now_us
from prefect._base.drive import Call, Sleep

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect._engine.task_call import TaskCall


def delay_before_retry(call: TaskCall) -> float:
    """Seconds to wait before the next try; the last entry of a short list repeats (behaviour 41)."""
    delays = call.task.retry_delay_seconds
    seconds = delays[min(call.run_count - 1, len(delays) - 1)] if isinstance(delays, list) else delays or 0
    jitter = call.task.retry_jitter_factor
    if seconds and jitter:
        # clamped exponential: on average the asked delay, never less than its part below the jitter
        seconds *= 1 + min(random.expovariate(1.0), 2.0) * jitter / 2
    return float(seconds)


def retry(call: TaskCall, state: Any) -> Generator[Any, Any, bool]:
    """Wait for the next try and enter it; False where there is none.

    Args:
        call: the failed run.
        state: makes the Failed state that a `retry_condition_fn` is asked about.
    """
    task = call.task
    if call.run_count > (task.retries or 0):
        return False
    if task.retry_condition_fn is not None and not (yield from _condition_holds(call, state())):
        return False
    seconds = delay_before_retry(call)
    logger = call.logger()
    logger.info(
        "Task run failed with exception: %r - Retry %d/%d will start %s",
        call.exception,
        call.run_count,
        task.retries,
        f"{seconds:g} second(s) from now" if seconds else "immediately",
    )
    if seconds:
        again_at = now_us() + round(seconds * 1_000_000)
        call.transition("SCHEDULED", "AwaitingRetry", call.failure_message(), {"scheduled_time": again_at})
        limited = call.detail is not None and "slots" in call.detail
        if limited:
            from prefect._engine import tag_slots  # loaded: slots were taken

            yield from tag_slots.sleep_without(call, seconds)
        else:
            yield Sleep(seconds)
    call.transition("RUNNING", "Retrying")
    return True


def _condition_holds(call: TaskCall, state: Any) -> Generator[Any, Any, bool]:
    condition = call.task.retry_condition_fn
    assert condition is not None
    try:
        return bool((yield Call(condition, (call.task, call.task_run, state))))
    except Exception:
        call.logger().exception("The retry condition of task '%s' failed: no retry", call.task.name)
        return False
