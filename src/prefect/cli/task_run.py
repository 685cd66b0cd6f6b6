"""`prefect task-run`: what task runs did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prefect._backend.resolve import backend
from prefect._storage.filters import Condition
from prefect.cli._command import Group, argument
from prefect.cli._logs import log_options, show_logs
from prefect.cli._output import fail, format_time, output_option, print_json, print_table
from prefect.cli._runs import (
    STATE_TYPES,
    age,
    duration_text,
    flow_run_named,
    short_ids,
    state_cell,
    state_name_of,
    task_run_duration,
    task_run_named,
    uuid_text,
    wants_full_ids,
    wants_full_times,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.model.records import TaskRunRecord


@click.group("task-run", cls=Group)
def task_run() -> None:
    """See task runs. A run is named by its id, the beginning of it, or its name."""


@task_run.command("ls")
@click.option("--task-run-name", multiple=True, metavar="NAME", help="Only runs of this name. Repeatable.")
@click.option("--flow-run", metavar="ID", help="Only runs of this flow run (its id or name).")
@click.option("--limit", type=click.IntRange(1), default=15, show_default=True, help="How many runs at most.")
@click.option("--state", multiple=True, metavar="NAME", help="Only runs in this state. Repeatable.")
@click.option(
    "--state-type",
    multiple=True,
    type=click.Choice(STATE_TYPES, case_sensitive=False),
    help="Only runs in a state of this type. Repeatable.",
)
@output_option
def ls(
    *,
    task_run_name: tuple[str, ...],
    flow_run: str | None,
    limit: int,
    state: tuple[str, ...],
    state_type: tuple[str, ...],
    output: str | None,
) -> None:
    """List task runs, newest first."""
    wanted = {
        "name": task_run_name,
        "state_name": [state_name_of(s) for s in state],
        "state_type": state_type,
    }
    where = [Condition(column, "in", values) for column, values in wanted.items() if values]
    flow_run_ids = [flow_run_named(flow_run).id] if flow_run is not None else []
    runs = backend().find_task_runs(flow_run_ids=flow_run_ids, where=where, limit=limit, newest_first=True)
    if output:
        from prefect.cli._inspect import task_runs_json  # its models are for JSON only

        print_json(task_runs_json(runs))
    elif not runs:
        click.echo("No task runs match." if where or flow_run_ids else "There are no task runs yet.")
    else:
        print_table(["ID", "Task", "Name", "State", "When", "Duration"], _rows(runs), title="Task runs")


def _rows(runs: Sequence[TaskRunRecord]) -> list[list[Any]]:
    ids = [uuid_text(run.id) for run in runs] if wants_full_ids() else short_ids([run.id for run in runs])
    when = format_time if wants_full_times() else age
    return [
        [
            run_id,
            run.task_key.rpartition("-")[0] or run.task_key,
            run.name,
            state_cell(run.state_type, run.state_name),
            when(run.state_timestamp),
            duration_text(task_run_duration(run)),
        ]
        for run_id, run in zip(ids, runs, strict=True)
    ]


@task_run.command("inspect")
@argument("id")
@click.option("--web/--no-web", default=False, help="Open the run in the browser (needs a server).")
@output_option
def inspect(id: str, web: bool, output: str | None) -> None:
    """Show one task run in full."""
    from prefect.cli._inspect import print_task_run, task_runs_json  # as above

    if web:
        fail(
            "Expected a server whose page could be opened, but runs are recorded in a file. Leave --web out."
        )
    run = task_run_named(id)
    if output:
        print_json(task_runs_json([run])[0])
    else:
        print_task_run(run)


@task_run.command("logs")
@argument("id")
@log_options
@output_option
def logs(*, id: str, head: bool, tail: bool, num_logs: int | None, reverse: bool, output: str | None) -> None:
    """Print the log lines of a task run."""
    run = task_run_named(id)
    show_logs(head=head, tail=tail, num_logs=num_logs, reverse=reverse, output=output, task_run_id=run.id)
