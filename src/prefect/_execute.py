"""Take a flow run up in this process: by its entrypoint, with its recorded parameters, in its folder."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect._backend.resolve import backend
from prefect._base.clock import now_us, to_datetime
from prefect._base.ids import new_id
from prefect._base.jsonable import PLACEHOLDER
from prefect._engine import replay
from prefect._engine.run import carry_out, resume
from prefect._loading import load_flow
from prefect.exceptions import (
    InfrastructureNotAvailable,
    MissingFlowError,
    ParameterBindError,
    Pause,
    PrefectException,
)
from prefect.logging.configuration import ensure_logging_setup
from prefect.model.records import StateRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.flows import Flow
    from prefect.model.deployments import DeploymentResponse
    from prefect.model.records import FlowRunRecord

    Pull = Callable[[DeploymentResponse], Path | None]


class Executed(NamedTuple):
    """A run that this process has executed, as it is then, and the ids of the task runs that were replayed."""

    run: FlowRunRecord
    replayed: list[bytes]


def execute(
    run: FlowRunRecord, *, entrypoint: str | None = None, pull: Pull | None = None, flow: Any = None
) -> Executed:
    """Execute the run in place, in this thread. How it ended is on record, whatever the flow has raised.

    The flow of a deployed run is found through its deployment.

    Args:
        run: the run, as it is now.
        entrypoint: where the flow is, if not where the run or its deployment say.
        pull: carries out a deployment's pull steps; the folder that they name. None where none can be.
        flow: the flow itself, where the caller has it already and is in its folder.

    Raises:
        PrefectException: nobody can execute it here, and why: it is a subflow, another process has it, its flow
            cannot be found or imported, or its parameters do not fit. The run is as it was.
        Abort: another process was faster.
    """
    require_free(run)
    if flow is None:
        flow = _find_flow(run, entrypoint, pull)
    parameters = _parameters(run, flow)
    if run.state.type == "SCHEDULED" and run.deployment_id is not None:
        run = _submit(run)
        if run.state.type != "PENDING":
            return Executed(run, [])
    call = resume(flow, run.id, parameters)
    assert call.recorded is not None
    replayed = call.recorded.replayed
    with suppress(Pause):  # it is suspended, and holds no process
        carry_out(call)
    return Executed(call.record, replayed)


def require_free(run: FlowRunRecord) -> None:
    """Raises InfrastructureNotAvailable for a run that this process cannot take up."""
    if run.parent_flow_run_id is not None and run.deployment_id is None:
        root = UUID(bytes=run.root_flow_run_id or run.parent_flow_run_id)
        raise InfrastructureNotAvailable(
            f"Flow run '{run.name}' is a subflow: only its root knows what to call it with. "
            f"Retry that, and it goes on with this one: prefect flow-run retry {root}"
        )
    process = backend().read_process(run.owner) if run.owner is not None else None
    if process is not None:
        since = to_datetime(run.state.timestamp).astimezone()
        raise InfrastructureNotAvailable(
            f"Flow run '{run.name}' is {run.state.name}, executed by pid {process.pid} on {process.host} "
            f"since {since:%Y-%m-%d %H:%M:%S}. Stop it: prefect flow-run cancel {UUID(bytes=run.id)}"
        )


def _submit(run: FlowRunRecord) -> FlowRunRecord:
    """Take the run off its schedule by the rules, which may make it wait for a slot of its deployment."""
    pending = StateRecord(new_id(), "PENDING", "Pending", now_us())
    answer = backend().propose_flow_run_state(run.id, pending)
    if answer.status != "ACCEPT":
        _warn(run, f"Flow run '{run.name}' is {answer.run.state.name}: {answer.reason}")
    return answer.run


# --- where its flow is --------------------------------------------------------------------------------


def _find_flow(run: FlowRunRecord, given: str | None, pull: Pull | None) -> Flow[..., Any]:
    if run.deployment_id is not None and given is None:
        return load_flow(_deployed(run, UUID(bytes=run.deployment_id), pull))
    source = _entrypoint(run, given)
    _enter_folder(run, given=given is not None)
    return load_flow(source)


def _deployed(run: FlowRunRecord, deployment_id: UUID, pull: Pull | None) -> str:
    """Be where the deployment's flow is; the entrypoint there."""
    from prefect.client.orchestration import get_client  # 150 ms (pydantic), for runs of deployments only

    with get_client(sync_client=True) as client:
        deployment = client.read_deployment(deployment_id)
    if deployment.entrypoint is None:
        raise MissingFlowError(
            f"The deployment '{deployment.name}' of flow run '{run.name}' has no entrypoint. "
            "Deploy it again, or say where the flow is: --entrypoint path/to/file.py:name"
        )
    if deployment.pull_steps:
        if pull is None:
            raise MissingFlowError(
                f"The deployment '{deployment.name}' fetches its code with pull steps, which cannot be carried "
                "out here. Execute the run with `prefect flow-run execute`, a worker, or `serve`."
            )
        folder = pull(deployment)
    else:
        folder = Path(deployment.path) if deployment.path else None
    if folder is not None:
        _enter(folder, f"deployment '{deployment.name}'")
    return deployment.entrypoint


def _enter(folder: Path, whose: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise MissingFlowError(
            f"Expected the folder {folder} of the {whose}, which cannot be entered ({error.strerror}). "
            "Restore it, or deploy the flow from where it is now."
        ) from error


def _entrypoint(run: FlowRunRecord, given: str | None) -> str:
    source = given or run.entrypoint
    if source is None:
        raise MissingFlowError(
            f"Flow run '{run.name}' has no entrypoint on record (its flow was defined in no file). "
            "Say where the flow is: --entrypoint path/to/file.py:name"
        )
    path, colon, name = source.rpartition(":")
    if not colon:
        raise MissingFlowError(
            f"Expected --entrypoint as path/to/file.py:name or package.module:name, got {source!r}."
        )
    return f"{Path(path).absolute()}:{name}" if path.endswith(".py") else source


def _enter_folder(run: FlowRunRecord, *, given: bool) -> None:
    if run.working_dir is None:
        return
    if Path(run.working_dir).is_dir():
        os.chdir(run.working_dir)
    elif given:
        _warn(run, f"The run's folder {run.working_dir} is gone; it goes on in {Path.cwd()}.")
    else:
        raise MissingFlowError(
            f"Expected the run's folder {run.working_dir}, which is gone. "
            "Restore it, or say where the flow is now: --entrypoint path/to/file.py:name"
        )


# --- what it is called with ---------------------------------------------------------------------------


def _parameters(run: FlowRunRecord, flow: Flow[..., Any]) -> dict[str, Any]:
    """The recorded parameters, with today's defaults for what the flow did not have then."""
    recorded = run.parameters
    if run.parameters_pickle is not None:
        try:
            recorded = replay.decode(run.parameters_pickle)
        except Exception as error:
            raise PrefectException(
                f"The recorded parameters of '{run.name}' cannot be read ({type(error).__name__}: {error})."
            ) from error
    else:
        _refuse_placeholders(run)
    try:
        return flow.binder.bind(*flow.binder.call_arguments({**flow.binder.defaults, **recorded}))
    except (ParameterBindError, KeyError) as error:
        raise ParameterBindError(
            f"The recorded parameters {sorted(recorded)} do not fit the flow '{flow.name}' of today: {error}"
        ) from error


def _refuse_placeholders(run: FlowRunRecord) -> None:
    lost = [
        name for name, value in run.parameters.items() if isinstance(value, str) and PLACEHOLDER.match(value)
    ]
    if lost:
        raise PrefectException(
            f"The parameters {', '.join(lost)} of '{run.name}' could not be pickled when it started: "
            "it cannot be executed again. Call its flow anew."
        )


def _warn(run: FlowRunRecord, message: str) -> None:
    ensure_logging_setup()
    run_id = {"flow_run_id": str(UUID(bytes=run.id))}
    logging.getLogger("prefect.flow_runs").warning("%s", message, extra=run_id)
