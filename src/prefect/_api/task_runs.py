"""Task runs: made, read and moved on one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.states import outcome, pending, record_of
from prefect._backend.task_run_states import propose_task_run_state
from prefect._base.clock import to_us
from prefect._base.ids import dynamic_key_of, new_id
from prefect._orchestration.reported import Reported, merged
from prefect._storage import clauses, task_runs
from prefect._storage.clauses import Clause
from prefect.model.history import states_of
from prefect.model.names import random_name
from prefect.model.records import StateRecord, TaskRunRecord
from prefect.model.requests.task_run_actions import ProposeState, TaskRunCreate, TaskRunUpdate
from prefect.model.responses import OrchestrationResult
from prefect.model.runs import TaskRun
from prefect.model.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect._storage.protocol import Queries


@endpoint("POST", "/task_runs/")
def create_task_run(api: Api, body: TaskRunCreate) -> TaskRun:
    """Make a task run; of the same call of the same flow run there is only one, which is answered then."""
    run_id = body.id.bytes if body.id else new_id()
    made = _made(run_id, body)
    with api.store.write() as cx:
        found = task_runs.held(cx, [run_id]).get(run_id) or _of_call(cx, body)
        if found is None:
            task_runs.replace(cx, [made])
            api.created()
    if found is None:
        api.backend.journal.announce([made], ())
    return TaskRun.from_record(found or made)


@endpoint("GET", "/task_runs/{id}")
def read_task_run(api: Api, id: UUID) -> TaskRun:
    """One task run. Raises ObjectNotFound."""
    return TaskRun.from_record(_required(api.store, id))


@endpoint("PATCH", "/task_runs/{id}", status=204)
def update_task_run(api: Api, id: UUID, body: TaskRunUpdate) -> None:
    """Change a task run's name. Raises ObjectNotFound."""
    with api.store.write() as cx:
        run = _required(cx, id)
        if body.name is not None:
            task_runs.rename(cx, run.id, body.name)


@endpoint("DELETE", "/task_runs/{id}", status=204)
def delete_task_run(api: Api, id: UUID) -> None:
    """Remove a task run. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not task_runs.delete(cx, id.bytes):
            raise missing("Task")


@endpoint("POST", "/task_runs/{id}/set_state", audited=False)
def set_task_run_state(api: Api, id: UUID, body: ProposeState) -> OrchestrationResult:
    """Ask to move a task run on; 201 where a state was written. Raises ObjectNotFound."""
    answer = propose_task_run_state(api.backend, id.bytes, record_of(body.state), force=body.force)
    if answer.status == "ACCEPT":
        api.created()
    status, details = outcome(answer)
    state = _shown(answer.run, states_of(answer.run)[-1])
    return OrchestrationResult(state=state, status=status, details=details)


@endpoint("GET", "/task_run_states/{id}")
def read_task_run_state(api: Api, id: UUID) -> State:
    """One state of a task run. Raises ObjectNotFound."""
    for low, high in _ids_around(id.bytes):
        between = Clause("t.id BETWEEN ? AND ?", (low, high))
        for run in task_runs.search(api.store, [between], order="t.id", limit=100):
            for state in states_of(run):
                if state.id == id.bytes:
                    return _shown(run, state)
    raise missing("State")


@endpoint("GET", "/task_run_states/")
def read_task_run_states(api: Api, task_run_id: UUID) -> list[State]:
    """Every state of a task run, oldest first; none where there is no such run."""
    run = task_runs.read_many(api.store, [task_run_id.bytes]).get(task_run_id.bytes)
    return [_shown(run, state) for state in states_of(run)] if run is not None else []


def _ids_around(state_id: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The id of a state is its run's, but for the version and the last bits: see `prefect.model.history`."""
    number = int.from_bytes(state_id, "big") & ~(0xF << 76) & ~0xFFF
    for version in (7, 4, 1, 2, 3, 5, 6, 8):
        first = number | version << 76
        yield first.to_bytes(16, "big"), (first | 0xFFF).to_bytes(16, "big")


def _required(source: Queries, id: UUID) -> TaskRunRecord:
    run = task_runs.read_many(source, [id.bytes]).get(id.bytes)
    if run is None:
        raise missing("Task")
    return run


def _shown(run: TaskRunRecord, state: StateRecord) -> State[Any]:
    return State.from_record(state, flow_run_id=run.flow_run_id, task_run_id=run.id)


def _made(run_id: bytes, asked: TaskRunCreate) -> TaskRunRecord:
    """A new run is what would be if it had reported itself in its first state."""
    state = record_of(asked.state) if asked.state else pending()
    entry: list[Any] = [state.type, state.name, state.timestamp, state.message]
    if state.details:
        entry.append(state.details)
    run = merged(
        None,
        [
            Reported(
                run_id=run_id,
                flow_run_id=asked.flow_run_id.bytes if asked.flow_run_id else None,
                task_key=asked.task_key,
                name=asked.name or random_name(),
                run_count=1 if state.type == "RUNNING" else 0,
                flow_run_run_count=0,
                entry=entry,
                detail=_detail_of(run_id, asked, state),
            )
        ],
    )
    assert run is not None
    return run


def _detail_of(run_id: bytes, asked: TaskRunCreate, state: StateRecord) -> dict[str, Any]:
    policy = asked.empirical_policy.model_dump(
        mode="json", include={"retries", "retry_delay", "retry_jitter_factor"}, exclude_none=True
    )
    found: dict[str, Any] = {
        "dynamic_key": asked.dynamic_key if asked.dynamic_key != dynamic_key_of(run_id) else None,
        "policy": policy,
        "tags": asked.tags,
        "labels": asked.labels,
        "version": asked.task_version,
        "cache_key": asked.cache_key,
        "cache_expiration": to_us(asked.cache_expiration) if asked.cache_expiration else None,
        "task_inputs": {
            name: [source.model_dump(mode="json") for source in sources]
            for name, sources in asked.task_inputs.items()
        },
        "expected_start_time": (state.details or {}).get("scheduled_time"),
        "data": state.data,
    }
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def _of_call(source: Queries, asked: TaskRunCreate) -> TaskRunRecord | None:
    """The run of the same flow run, task and dynamic key."""
    if asked.flow_run_id is None:
        return None
    same = [
        clauses.compare("t.flow_run_id", "=", asked.flow_run_id.bytes),
        clauses.compare("t.task_key", "=", asked.task_key),
        clauses.contains("t.detail", json.dumps(asked.dynamic_key)),
    ]
    for run in task_runs.search(source, same, order="t.id", limit=10):
        if run.detail and json.loads(run.detail).get("dynamic_key") == asked.dynamic_key:
            return run
    return None
