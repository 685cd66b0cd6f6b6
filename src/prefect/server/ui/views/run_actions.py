"""What can be done to a flow run: only what makes sense now, and what whoever looks may do."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.errors import Refused
from prefect._api.flow_run_inputs import read_flow_run_input, resume_flow_run
from prefect._api.flow_runs import delete_flow_run, read_flow_run, set_flow_run_state
from prefect._api.ui_run_actions import cancel_flow_run, retry_flow_run
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.flow_run_actions import ResumeFlowRun, SetState
from prefect.model.requests.run_actions import CancelFlowRun, RetryFlowRun
from prefect.model.requests.states import StateCreate
from prefect.model.state import StateType
from prefect.server.ui.page import Asked, Move, page
from prefect.server.ui.schema_form import fields_of, values_of

if TYPE_CHECKING:
    from prefect._api.flow_runs import Result
    from prefect.model.run_lanes import RunLane
    from prefect.model.runs import FlowRun

SETTABLE = (StateType.COMPLETED, StateType.FAILED, StateType.CANCELLED, StateType.CRASHED)
MOST_TASKS = 400  # that a retry can begin at
_ENDED = frozenset(SETTABLE)


def offered(asked: Asked, run: FlowRun, lanes: list[RunLane]) -> dict[str, object]:
    """What the header offers."""
    ended = run.state_type in _ENDED
    subflow = run.parent_task_run_id is not None and run.deployment_id is None
    changes = asked.may(set_flow_run_state)
    paused = run.state_type is StateType.PAUSED
    retries = ended and changes and not subflow
    return {
        "may_cancel": changes and not ended and run.state_type is not StateType.CANCELLING,
        "may_retry": retries,
        "may_resume": changes and paused,
        "may_set": changes,
        "may_delete": asked.may(delete_flow_run),
        "settable": [one for one in SETTABLE if one is not run.state_type],
        "retry_tasks": _beginnings(lanes) if retries else [],
        "commands": _commands(asked, run),
        "wanted": _wanted(asked, run) if paused else None,
    }


def _beginnings(lanes: list[RunLane]) -> list[tuple[UUID, str, str]]:
    """The task runs, in the order of their beginning: id, name, state."""
    some = [one for one in lanes if one.kind == "task"][:MOST_TASKS]
    return [(one.id, one.label, next(iter(one.states)).value.capitalize()) for one in some if one.id]


def _wanted(asked: Asked, run: FlowRun) -> dict[str, object]:
    """The form of what a paused run waits for: its fields, and what they are about."""
    keys = _keys(run)
    schema = _schema(asked, run.id, keys)
    description = _sent(asked, run.id, keys.get("description"))
    return {"fields": fields_of(schema) if schema else [], "description": description}


def _keys(run: FlowRun) -> dict[str, Any]:
    details = run.state.state_details if run.state else None
    return dict(details.run_input_keyset or {}) if details else {}


def _schema(asked: Asked, id: UUID, keys: dict[str, Any]) -> dict[str, Any] | None:
    return _sent(asked, id, keys.get("schema"))


def _sent(asked: Asked, id: UUID, key: str | None) -> Any:
    """What was sent to the run under a key, which is JSON; None where nothing was."""
    try:
        return json.loads(read_flow_run_input(asked.api, id, key).text) if key else None
    except ObjectNotFound:
        return None


def _commands(asked: Asked, run: FlowRun) -> list[tuple[str, str]]:
    """What to type to do the same elsewhere: what it is for, and the command."""
    url = asked.api.url
    commands = [
        ("Inspect", f"prefect flow-run inspect {run.id}"),
        ("Logs", f"prefect flow-run logs {run.id}"),
    ]
    if run.state_type in _ENDED:
        commands.append(("Retry", f"prefect flow-run retry {run.id}"))
    else:
        commands.append(("Cancel", f"prefect flow-run cancel {run.id}"))
        commands.append(("Cancel over the API", _post(f"{url}/ui/flow_runs/{run.id}/cancel", {})))
    if run.deployment_id is not None:
        parameters = "".join(
            f" --param {shlex.quote(f'{name}={json.dumps(value)}')}" for name, value in run.parameters.items()
        )
        again = f"{url}/deployments/{run.deployment_id}/create_flow_run"
        commands.append(
            ("Run again, as a new run", f"prefect deployment run --id {run.deployment_id}{parameters}")
        )
        commands.append(("Run again over the API", _post(again, {"parameters": run.parameters})))
    else:
        commands.append(("Read over the API", f"curl {url}/flow_runs/{run.id}"))
    return commands


def _post(url: str, body: dict[str, Any]) -> str:
    return f"curl -X POST {url} -H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"


# --- what is done ---------------------------------------------------------------------------------------


def _here(id: UUID) -> str:
    return f"/runs/flow-run/{id}"


def _back(asked: Asked, id: UUID) -> str:
    return str(asked.form.get("back") or _here(id))


def _reason(asked: Asked) -> str | None:
    return str(asked.form.get("reason") or "").strip() or None


def _refuse(answer: Result) -> None:
    """Say what the rules said. Raises Refused unless the state was accepted."""
    reason = getattr(answer.details, "reason", None)
    if answer.status.value in {"ABORT", "WAIT"} or (answer.status.value == "REJECT" and answer.state is None):
        raise Refused(str(reason or "The rules refuse this state."), status=409)


@page("/runs/flow-run/{id}/cancel", "POST")
def cancel(asked: Asked, id: UUID) -> Move:
    """Ask it to stop."""
    answer = asked.do(cancel_flow_run, id, CancelFlowRun(message=_reason(asked)))
    _refuse(answer)
    name = answer.state.name if answer.state else "Cancelling"
    said = "The run is cancelled." if name == "Cancelled" else "The run was asked to stop."
    return Move(_back(asked, id), said)


@page("/runs/flow-run/{id}/retry", "POST")
def retry(asked: Asked, id: UUID) -> Move:
    """Run it again, from where the form says: what failed, the start, or a task run."""
    chosen = str(asked.form.get("from") or "failed")
    replay = {"failed": "all", "start": "none"}.get(chosen, "before")
    body = {
        "replay": replay,
        "task_run_id": chosen if replay == "before" else None,
        "message": _reason(asked),
    }
    try:
        wanted = RetryFlowRun.model_validate(body)
    except ValueError:
        raise Refused(f"Retry: expected a task run of this run, got {chosen!r}.") from None
    answer = asked.do(retry_flow_run, id, wanted)
    if answer.command:
        return Move(
            _back(asked, id), f"No worker takes this run up. Run it where its code is: {answer.command}"
        )
    return Move(_back(asked, id), "The run waits for its worker to run it again.")


@page("/runs/flow-run/{id}/resume", "POST")
def resume(asked: Asked, id: UUID) -> Move:
    """Let it go on, with what it waits for."""
    run = read_flow_run(asked.api, id)
    schema = _schema(asked, id, _keys(run)) if run.state_type is StateType.PAUSED else None
    given = values_of(asked.form, schema) if schema else None
    answer = asked.do(resume_flow_run, id, ResumeFlowRun(run_input=given))
    reason = getattr(answer.details, "reason", None)
    if reason:
        raise Refused(str(reason).removeprefix("Reason: "), status=409)
    return Move(_back(asked, id), "The run goes on.")


def _refuse_reject(answer: Result) -> None:
    _refuse(answer)
    if answer.status.value == "REJECT":
        raise Refused(
            str(getattr(answer.details, "reason", "") or "The rules refuse this state."), status=409
        )


@page("/runs/flow-run/{id}/state", "POST")
def change_state(asked: Asked, id: UUID) -> Move:
    """Put it into a state, whatever it was in."""
    chosen = str(asked.form.get("state") or "")
    if chosen not in {one.value for one in SETTABLE}:
        raise Refused(f"State: expected one of {', '.join(SETTABLE)}, got {chosen!r}.")
    state = StateCreate(type=StateType(chosen), message=_reason(asked))
    _refuse_reject(asked.do(set_flow_run_state, id, SetState(state=state, force=True)))
    return Move(_back(asked, id), f"The run is {chosen.capitalize()}.")


@page("/runs/flow-run/{id}/delete", "POST")
def delete(asked: Asked, id: UUID) -> Move:
    """Remove it with all that belongs to it."""
    name = read_flow_run(asked.api, id).name
    asked.do(delete_flow_run, id)
    return Move("/runs", f"Run {name} is deleted.")
