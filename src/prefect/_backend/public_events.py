"""Task runs as the events by which a Prefect 3 client reports them: `prefect.task-run.<State>`, one for each state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect._base.clock import to_datetime
from prefect.model.history import running_time, states_of
from prefect.model.runs import TaskRun
from prefect.model.state import State

if TYPE_CHECKING:
    from prefect.model.records import StateRecord, TaskRunRecord


class Around(NamedTuple):
    """The flow run of a task run, as its events name it: by its id alone where no more is known."""

    run_id: bytes
    run_name: str | None = None
    flow_id: bytes | None = None
    flow_name: str | None = None


_RUN = {"name", "task_key", "dynamic_key", "cache_key", "task_version", "tags", "labels", "task_inputs"}


def events_of(row: TaskRunRecord, around: Around | None, sent: int) -> list[dict[str, Any]]:
    """The events of a row that were not sent yet, in order.

    Args:
        row: the task run.
        around: its flow run, if it has one.
        sent: how many of its states were sent before.
    """
    states = states_of(row)
    shown = TaskRun.from_record(row)
    fixed = shown.model_dump(mode="json", include=_RUN, exclude_none=True)
    fixed["empirical_policy"] = shown.empirical_policy.model_dump(mode="json", exclude_none=True)
    fixed["flow_run_run_count"] = row.flow_run_run_count
    fixed["expected_start_time"] = _iso(row.created)
    related = _related(around, shown.tags)
    return [_event(row, states, place, fixed, related) for place in range(sent, len(states))]


def state_json(state: StateRecord, flow_run_id: bytes | None = None) -> dict[str, Any]:
    """A state as a client proposes it."""
    return State.from_record(state, flow_run_id=flow_run_id).model_dump(
        mode="json", include={"type", "name", "message", "data", "state_details"}
    )


def _event(
    row: TaskRunRecord,
    states: list[StateRecord],
    place: int,
    fixed: dict[str, Any],
    related: list[dict[str, Any]],
) -> dict[str, Any]:
    state, before = states[place], states[place - 1] if place else None
    return {
        "id": str(UUID(bytes=state.id)),
        "follows": str(UUID(bytes=before.id)) if before else None,
        "occurred": _iso(state.timestamp),
        "event": f"prefect.task-run.{state.name}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{UUID(bytes=row.id)}",
            "prefect.resource.name": row.name,
            "prefect.run-count": str(_tries(states, place)),
            "prefect.state-message": state.message or "",
            "prefect.state-name": state.name,
            "prefect.state-timestamp": _iso(state.timestamp),
            "prefect.state-type": state.type,
            "prefect.orchestration": "client",
        },
        "related": related,
        "payload": {
            "intended": {"from": before.type if before else None, "to": state.type},
            "initial_state": _in_payload(before) if before else None,
            "validated_state": {**_in_payload(state), "data": state.data},
            "task_run": {**fixed, **_so_far(states, place)},
        },
    }


def _related(around: Around | None, tags: list[str]) -> list[dict[str, Any]]:
    found = [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags]
    if around is not None:
        for role, key, name in (
            ("flow-run", around.run_id, around.run_name),
            ("flow", around.flow_id, around.flow_name),
        ):
            if key is not None:
                named = {"prefect.resource.name": name} if name is not None else {}
                identity = f"prefect.{role}.{UUID(bytes=key)}"
                found.append({"prefect.resource.id": identity, "prefect.resource.role": role, **named})
    return found


def _in_payload(state: StateRecord) -> dict[str, Any]:
    details = State.from_record(state).state_details.model_dump(mode="json", exclude_defaults=True)
    return {
        "type": state.type,
        "name": state.name,
        "message": state.message or "",
        "state_details": details,
    }


def _so_far(states: list[StateRecord], place: int) -> dict[str, Any]:
    """What a run's columns were in that state."""
    until = states[: place + 1]
    found: dict[str, Any] = {
        "run_count": _tries(states, place),
        "total_run_time": running_time(until) / 1e6,
    }
    running = next((state for state in until if state.type == "RUNNING"), None)
    if running is not None:
        found["start_time"] = _iso(running.timestamp)
    if State.from_record(until[-1]).is_final():
        found["end_time"] = _iso(until[-1].timestamp)
    return found


def _tries(states: list[StateRecord], place: int) -> int:
    return sum(state.type == "RUNNING" for state in states[: place + 1])


def _iso(time: int) -> str:
    return to_datetime(time).isoformat()
