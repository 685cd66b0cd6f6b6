"""How `prefect flow-run retry` and `execute` say what became of the run that they have taken up."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

import click

from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._execute import execute
from prefect._storage.filters import Condition
from prefect.cli._output import fail
from prefect.cli._runs import tree_of, uuid_text
from prefect.exceptions import Abort
from prefect.runner._endings import REPORTED
from prefect.runner._forkserver_child import adopt_descriptors, said, word_of

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.model.deployments import DeploymentResponse
    from prefect.model.records import FlowRunRecord


def execute_flow_run(run: FlowRunRecord, entrypoint: str | None) -> int:
    """Execute the run in place, and say how it ended; the exit code (0 if it completed)."""
    started = now_us()
    try:
        replayed = execute(run, entrypoint=entrypoint, pull=_pull).replayed
    except Abort as error:
        fail(str(error))
    return _report(run, started, replayed)


def _pull(deployment: DeploymentResponse) -> Path | None:
    from prefect.deployments._pull import prepare  # 50 ms (asyncio), for deployments with pull steps

    return prepare(deployment)


def execute_for_runner(run: FlowRunRecord) -> int:
    """The same; if a runner has started this process for the run, it learns why the run could not report its end."""
    pipe = adopt_descriptors()
    if pipe is None:
        return execute_flow_run(run, None)
    word = REPORTED
    try:
        return execute_flow_run(run, None)
    except BaseException as error:
        word = word_of(UUID(bytes=run.id), said(error))
        raise
    finally:
        with suppress(OSError):  # the runner is gone
            os.write(pipe, word)


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
