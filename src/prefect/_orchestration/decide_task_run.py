"""Ask the rules of task runs in order, then keep the books."""

from __future__ import annotations

import json
from typing import Any

from prefect._orchestration.task_rules import TASK_RUN_RULES
from prefect._orchestration.task_transition import TaskTransition
from prefect._orchestration.transition import TERMINAL, Accept, Decision, Reject, Slot
from prefect.model.history import history_with
from prefect.model.records import StateRecord


def decide_task_run(transition: TaskTransition) -> Decision:
    """What becomes of a state proposed for a task run. `changes` are columns of its record.

    Whoever writes an accepted state also enters it into the cache (Completed, with a `cache_key` among its
    details) and onto the queue of its task (Scheduled, and `deferred`).
    """
    for rule in () if transition.force else TASK_RUN_RULES:
        answer = rule(transition)
        if isinstance(answer, TaskTransition):
            transition = answer
            if transition.redirected is not None:
                break
        elif answer is not None:
            return answer
    proposed, before = transition.proposed, transition.present
    state = proposed._replace(timestamp=max(proposed.timestamp, before.timestamp + 1))
    changes = _changes(transition, state)
    if transition.redirected is None:
        return Accept(state, changes, _slot(transition))
    return Reject(state, transition.redirected, changes, _slot(transition))


def _slot(t: TaskTransition) -> Slot | None:
    """What becomes of the slots that the run holds in the limits of its tags."""
    if not t.tags:
        return None
    if t.target == "RUNNING" and t.source != "RUNNING":
        return "take"
    left = t.source in {"RUNNING", "CANCELLING"} and t.target not in {"RUNNING", "CANCELLING"}
    return "release" if left else None


def _changes(t: TaskTransition, state: StateRecord) -> dict[str, Any]:
    entry: list[Any] = [state.type, state.name, state.timestamp, state.message]
    if state.details:
        entry.append(state.details)
    changes: dict[str, Any] = {
        "state_type": state.type,
        "state_name": state.name,
        "state_timestamp": state.timestamp,
        "state_message": state.message,
        "history": json.dumps(history_with(t.run, entry)),
        "detail": _detail(t, state),
        "run_count": t.run_count,
        "flow_run_run_count": t.flow_run_run_count,
    }
    if state.type == "RUNNING":
        changes["run_count"] += 1
        changes["start_time"] = t.run.start_time or state.timestamp
    if state.type in TERMINAL:
        if t.source not in TERMINAL:
            changes["end_time"] = state.timestamp
            changes["start_time"] = t.run.start_time or state.timestamp
    elif t.source in TERMINAL:
        changes["end_time"] = None
    return changes


def _detail(t: TaskTransition, state: StateRecord) -> str | None:
    """The rare facts: where the result is stored, and under which cache key until when."""
    before: dict[str, Any] = json.loads(t.run.detail) if t.run.detail else {}
    details = state.details or {}
    found = {"data": state.data, **{name: details.get(name) for name in ("cache_key", "cache_expiration")}}
    kept = {name: value for name, value in before.items() if name != "data"}
    after = kept | {name: value for name, value in found.items() if value is not None}
    return json.dumps(after) if after else None
