"""Rows as events: those that were emitted, and what flow runs and task runs went through.

A run's states are kept once, in its own tables; as events they are made when somebody asks. The id of such an event
is the id of the state.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.clock import to_datetime
from prefect._storage import flow_run_events
from prefect.model.events import Event, ReceivedEvent, RelatedResource, Resource
from prefect.model.history import states_of
from prefect.model.runs import TaskRun
from prefect.model.state_details import StateDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.events import EventRecord
    from prefect._storage.flow_run_events import Before, Passage
    from prefect._storage.protocol import Queries
    from prefect.model.records import StateRecord, TaskRunRecord

FLOW_RUN = "prefect.flow-run."
TASK_RUN = "prefect.task-run."


def emitted(record: EventRecord) -> ReceivedEvent:
    """An event that somebody emitted."""
    body = json.loads(record.body)
    return _event(
        record.id,
        record.occurred,
        record.name,
        resource=body["resource"],
        related=body["related"],
        payload=body["payload"],
        follows=record.follows,
        received=record.received,
    )


def of_flow_runs(source: Queries, passages: Sequence[Passage]) -> list[ReceivedEvent]:
    """`prefect.flow-run.<State>` for each state that flow runs have entered."""
    befores = flow_run_events.befores(source, (one.flow_run_id for one in passages)) if passages else {}
    return [_of_flow_run(one, befores[one.id]) for one in passages]


def _of_flow_run(one: Passage, before: Before) -> ReceivedEvent:
    run_count = before.run_count + (one.type == "RUNNING")
    related = [_related("prefect.flow", one.flow_id, "flow", one.flow_name)]
    if one.deployment_id is not None:
        related.append(_related("prefect.deployment", one.deployment_id, "deployment"))
    related += _tags(one.tags)
    return _event(
        one.id,
        one.timestamp,
        FLOW_RUN + one.name,
        resource=_resource(FLOW_RUN, one.flow_run_id, one.flow_run_name, run_count, one),
        related=related,
        payload=_payload((before.type, before.name) if before.type else None, one),
        follows=before.id,
    )


def of_task_run(run: TaskRunRecord, since: int = 0) -> list[ReceivedEvent]:
    """`prefect.task-run.<State>` for each state that the task run has entered, oldest first.

    Args:
        run: as it is now; what it was in an earlier state is not known any more.
        since: only states that are newer than this (microseconds UTC).
    """
    found: list[ReceivedEvent] = []
    before: StateRecord | None = None
    run_count = 0
    shown: dict[str, Any] | None = None
    for state in states_of(run):
        run_count += state.type == "RUNNING"
        if state.timestamp > since:
            shown = shown or _task_run(run)
            found.append(_of_task_run(run, state, before, run_count, shown))
        before = state
    return found


def _of_task_run(
    run: TaskRunRecord, state: StateRecord, before: StateRecord | None, run_count: int, shown: dict[str, Any]
) -> ReceivedEvent:
    payload = _payload((before.type, before.name) if before else None, state)
    details = StateDetails.from_record(state.details or {}, run.flow_run_id, run.id)
    payload["validated_state"] |= {
        "state_details": details.model_dump(mode="json", exclude_defaults=True),
        "data": state.data,
    }
    return _event(
        state.id,
        state.timestamp,
        TASK_RUN + state.name,
        resource=_resource(TASK_RUN, run.id, run.name, run_count, state),
        related=_related_to(run),
        payload={**payload, "task_run": {**shown, "run_count": run_count}},
        follows=before.id if before else None,
    )


_OWN = {
    "name",
    "task_key",
    "dynamic_key",
    "empirical_policy",
    "tags",
    "labels",
    "task_inputs",
    "flow_run_run_count",
}


def _task_run(run: TaskRunRecord) -> dict[str, Any]:
    return TaskRun.from_record(run).model_dump(mode="json", include=_OWN)


def _related_to(run: TaskRunRecord) -> list[dict[str, str]]:
    related = [_related("prefect.flow-run", run.flow_run_id, "flow-run")] if run.flow_run_id else []
    return related + _tags(json.loads(run.detail).get("tags", ()) if run.detail else ())


def _resource(
    prefix: str, run_id: bytes, run_name: str, run_count: int, state: StateRecord | Passage
) -> dict[str, str]:
    return {
        "prefect.resource.id": f"{prefix}{UUID(bytes=run_id)}",
        "prefect.resource.name": run_name,
        "prefect.run-count": str(run_count),
        "prefect.state-message": state.message or "",
        "prefect.state-name": state.name,
        "prefect.state-timestamp": to_datetime(state.timestamp).isoformat(),
        "prefect.state-type": state.type,
    }


def _payload(before: tuple[str | None, str | None] | None, state: StateRecord | Passage) -> dict[str, Any]:
    validated: dict[str, Any] = {"type": state.type, "name": state.name}
    if state.message:
        validated["message"] = state.message
    return {
        "intended": {"from": before[0] if before else None, "to": state.type},
        "initial_state": {"type": before[0], "name": before[1]} if before else None,
        "validated_state": validated,
    }


def _related(kind: str, id: bytes, role: str, name: str | None = None) -> dict[str, str]:
    labels = {"prefect.resource.id": f"{kind}.{UUID(bytes=id)}", "prefect.resource.role": role}
    return labels | ({"prefect.resource.name": name} if name is not None else {})


def _tags(tags: Sequence[str]) -> list[dict[str, str]]:
    return [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"} for tag in tags]


def _event(
    id: bytes,
    occurred: int,
    name: str,
    *,
    resource: dict[str, str],
    related: Sequence[dict[str, str]],
    payload: dict[str, Any],
    follows: bytes | None,
    received: int | None = None,
) -> ReceivedEvent:
    """Made without looking: what is stored has been checked."""
    return ReceivedEvent.model_construct(
        None,
        occurred=to_datetime(occurred),
        event=name,
        resource=Resource.model_construct(resource),
        related=[RelatedResource.model_construct(labels) for labels in related],
        payload=payload,
        id=UUID(bytes=id),
        follows=UUID(bytes=follows) if follows else None,
        received=to_datetime(occurred if received is None else received),
    )


def place_of(event: Event) -> tuple[Any, bytes]:
    """Where an event stands among others: by time, then by id."""
    return event.occurred, event.id.bytes
