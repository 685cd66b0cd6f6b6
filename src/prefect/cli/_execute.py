"""Take a flow run up in this process: by its entrypoint, with its recorded parameters, in its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._base.jsonable import PLACEHOLDER
from prefect._storage.filters import Condition
from prefect.cli._output import fail, format_time
from prefect.cli._runs import tree_of, uuid_text
from prefect.exceptions import ParameterBindError, PrefectException

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from prefect.flows import Flow
    from prefect.model.records import FlowRunRecord


def execute_flow_run(run: FlowRunRecord, entrypoint: str | None) -> int:
    """Execute the run in place, and say how it ended; the exit code (0 if it completed)."""
    _require_free(run)
    source = _entrypoint(run, entrypoint)
    _enter_folder(run, given=entrypoint is not None)
    flow = _load(source)
    parameters = _parameters(run, flow)
    started = now_us()
    replayed = _run(flow, run, parameters)
    return _report(run, started, replayed)


def _require_free(run: FlowRunRecord) -> None:
    if run.parent_flow_run_id is not None:
        root = uuid_text(run.root_flow_run_id or run.parent_flow_run_id)
        fail(
            f"Flow run '{run.name}' is a subflow: only its root knows what to call it with. "
            f"Retry that, and it goes on with this one: prefect flow-run retry {root}"
        )
    process = backend().read_process(run.owner) if run.owner is not None else None
    if process is not None:
        fail(
            f"Flow run '{run.name}' is {run.state.name}, executed by pid {process.pid} on {process.host} "
            f"since {format_time(run.state.timestamp)}. Stop it: prefect flow-run cancel {uuid_text(run.id)}"
        )


def _entrypoint(run: FlowRunRecord, given: str | None) -> str:
    source = given or run.entrypoint
    if source is None:
        fail(
            f"Flow run '{run.name}' has no entrypoint on record (its flow was defined in no file). "
            "Say where the flow is: --entrypoint path/to/file.py:name"
        )
    path, colon, name = source.rpartition(":")
    if not colon:
        fail(f"Expected --entrypoint as path/to/file.py:name or package.module:name, got {source!r}.")
    return f"{Path(path).absolute()}:{name}" if path.endswith(".py") else source


def _enter_folder(run: FlowRunRecord, *, given: bool) -> None:
    if run.working_dir is None:
        return
    if Path(run.working_dir).is_dir():
        os.chdir(run.working_dir)
    elif given:
        click.echo(f"The run's folder {run.working_dir} is gone; it goes on in {Path.cwd()}.", err=True)
    else:
        fail(
            f"Expected the run's folder {run.working_dir}, which is gone. "
            "Restore it, or say where the flow is now: --entrypoint path/to/file.py:name"
        )


def _load(source: str) -> Flow[..., Any]:
    from prefect.flows import load_flow_from_entrypoint  # the engine: only for commands that execute

    try:
        return load_flow_from_entrypoint(source)
    except PrefectException:
        raise
    except SystemExit as error:
        fail(f"The script of {source} ended the process while it was imported (exit code {error.code}).")


def _parameters(run: FlowRunRecord, flow: Flow[..., Any]) -> dict[str, Any]:
    """The recorded parameters, with today's defaults for what the flow did not have then."""
    from prefect._engine import replay  # after the script, whose classes the pickle may need

    recorded = run.parameters
    if run.parameters_pickle is not None:
        try:
            recorded = replay.decode(run.parameters_pickle)
        except Exception as error:
            fail(f"The recorded parameters of '{run.name}' cannot be read ({type(error).__name__}: {error}).")
    else:
        _refuse_placeholders(run)
    try:
        return flow.binder.bind(*flow.binder.call_arguments({**flow.binder.defaults, **recorded}))
    except (ParameterBindError, KeyError) as error:
        fail(
            f"The recorded parameters {sorted(recorded)} do not fit the flow '{flow.name}' of today: {error}"
        )


def _refuse_placeholders(run: FlowRunRecord) -> None:
    lost = [
        name for name, value in run.parameters.items() if isinstance(value, str) and PLACEHOLDER.match(value)
    ]
    if lost:
        fail(
            f"The parameters {', '.join(lost)} of '{run.name}' could not be pickled when it started: "
            "it cannot be executed again. Call its flow anew."
        )


def _run(flow: Flow[..., Any], run: FlowRunRecord, parameters: dict[str, Any]) -> list[bytes]:
    """Execute it; the ids of the task runs that were replayed. How it ended is on record."""
    from prefect._engine.run import resume, run_flow_call  # the engine: only for commands that execute

    call = resume(flow, run.id, parameters)
    assert call.recorded is not None
    replayed = call.recorded.replayed
    answer = run_flow_call(call, return_state=True)
    if flow.isasync:
        import asyncio  # 30 ms of import, for asynchronous flows

        asyncio.run(_exhausted(answer) if flow.isgenerator else _awaited(answer))
    elif flow.isgenerator:
        for _ in answer:
            pass
    return replayed


async def _exhausted(items: Any) -> None:
    async for _ in items:
        pass


async def _awaited(answer: Coroutine[Any, Any, Any]) -> None:
    await answer


def _report(run: FlowRunRecord, started: int, replayed: list[bytes]) -> int:
    final = backend().read_flow_run(run.id)
    ids = [each.id for each in tree_of(final)]
    fresh = backend().find_task_runs(flow_run_ids=ids, where=[Condition("created", ">=", started)])
    ran = sum(1 for each in fresh if not (each.detail and "child_flow_run_id" in each.detail))
    counts = f"{_task_runs(len(replayed))} replayed, {ran} run"
    click.echo(f"Flow run '{final.name}' is {final.state.name} (attempt {final.attempt}): {counts}.")
    if final.state.type == "COMPLETED":
        return 0
    click.echo(f"See why:  prefect flow-run why {uuid_text(final.id)}")
    return 1


def _task_runs(count: int) -> str:
    return f"{count} task run{'' if count == 1 else 's'}"
