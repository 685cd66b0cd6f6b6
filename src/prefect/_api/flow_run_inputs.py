"""What is sent to flow runs, and how a paused one goes on with it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.flow_runs import Result, propose, required
from prefect._api.later import NotYet
from prefect._api.limits import limit_of
from prefect._api.plain import Plain
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._base.parameter_schema import complaint
from prefect._orchestration.transition import new_state
from prefect._storage import run_inputs
from prefect._storage.run_inputs import INPUTS, FlowRunInputRecord
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.objects import FlowRunInput
from prefect.model.records import FlowRunRecord
from prefect.model.requests.flow_run_actions import FilterFlowRunInputs, FlowRunInputCreate, ResumeFlowRun
from prefect.model.responses import SetStateStatus, StateAbortDetails, StateRejectDetails
from prefect.model.state import State

LONGEST_PATIENCE = 60.0  # seconds


@endpoint("POST", "/flow_runs/{id}/input", status=201)
def create_flow_run_input(api: Api, id: UUID, body: FlowRunInputCreate) -> None:
    """Send something to a run. Raises ObjectNotFound; ObjectAlreadyExists where the key is taken."""
    required(api, id)
    now = now_us()
    record = FlowRunInputRecord(new_id(), id.bytes, body.key, body.value, body.sender, now, now)
    with api.store.write() as cx:
        if not run_inputs.insert(cx, record):
            raise ObjectAlreadyExists(None, "A flow run input with this key already exists.")


@endpoint("POST", "/flow_runs/{id}/input/filter")
def filter_flow_run_input(api: Api, id: UUID, body: FilterFlowRunInputs) -> list[FlowRunInput]:
    """What was sent to a run under keys that begin so, the oldest first."""
    found = run_inputs.beginning(
        api.store, id.bytes, body.prefix, without=body.exclude_keys, limit=limit_of(body.limit)
    )
    return [FlowRunInput.model_validate(INPUTS.shown(one)) for one in found]


@endpoint("GET", "/flow_runs/{id}/news")
def await_flow_run_news(api: Api, id: UUID, seen: str = "", patience: float = 0.0) -> str:
    """A mark of the state that a run is in, and of what was sent to it.

    With `patience` (seconds) the answer comes when the mark is another one than that which was `seen`, or then.
    """
    news = api.backend.news
    mark = news.mark(id.bytes)
    if mark != seen or not patience > 0:  # it may be no number
        return mark
    reader = news.read(id.bytes, seen)

    def end() -> str:
        news.leave(reader)
        return reader.answer or seen

    raise NotYet(reader, min(patience, LONGEST_PATIENCE), end, lambda: news.leave(reader))


@endpoint("GET", "/flow_runs/{id}/input/{key}")
def read_flow_run_input(api: Api, id: UUID, key: str) -> Plain:
    """What was sent to a run under a key. Raises ObjectNotFound."""
    found = INPUTS.read(api.store, flow_run_id=id.bytes, key=key)
    if found is None:
        raise missing("Flow run input")
    return Plain(found.value)


@endpoint("DELETE", "/flow_runs/{id}/input/{key}", status=204)
def delete_flow_run_input(api: Api, id: UUID, key: str) -> None:
    """Forget what was sent to a run under a key. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not INPUTS.delete(cx, flow_run_id=id.bytes, key=key):
            raise missing("Flow run input")


@endpoint("POST", "/flow_runs/{id}/resume")
def resume_flow_run(api: Api, id: UUID, body: ResumeFlowRun | None = None) -> Result:
    """Let a paused run go on, with the input that it waits for. Raises ObjectNotFound."""
    run = required(api, id)
    if run.state.type != "PAUSED":
        reason = "Cannot resume a flow run that is not paused."
        aborted = StateAbortDetails(reason=reason)
        return Result.model_construct(None, state=None, status=SetStateStatus.ABORT, details=aborted)
    given = (body.run_input if body else None) or {}
    details = run.state.details or {}
    keys: dict[str, str] = details.get("run_input_keyset") or {}
    wrong = _wrong_input(api, run, keys, given)
    if wrong is not None:
        state = State.from_record(run.state, flow_run_id=run.id)
        rejected = StateRejectDetails(reason=f"Reason: {wrong}")
        return Result.model_construct(None, state=state, status=SetStateStatus.REJECT, details=rejected)
    now = now_us()
    again = (
        new_state("SCHEDULED", "Resuming", now, scheduled_time=now)
        if details.get("pause_reschedule")
        else new_state("RUNNING", "Running", now)
    )
    with api.store.write() as cx:  # the input is there before anybody can look for it
        if keys and given:
            _answer(cx, run, keys["response"], given, now)
        return propose(api, id, again)


def _wrong_input(api: Api, run: FlowRunRecord, keys: dict[str, str], given: dict[str, Any]) -> str | None:
    schema = INPUTS.read(api.store, flow_run_id=run.id, key=keys["schema"]) if keys else None
    return complaint(given, json.loads(schema.value)) if schema is not None else None


def _answer(cx: Any, run: FlowRunRecord, key: str, given: dict[str, Any], now: int) -> None:
    value = json.dumps(given, separators=(",", ":"))
    INPUTS.delete(cx, flow_run_id=run.id, key=key)
    run_inputs.insert(cx, FlowRunInputRecord(new_id(), run.id, key, value, None, now, now))
