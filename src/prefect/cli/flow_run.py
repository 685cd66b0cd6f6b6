"""`prefect flow-run`: what ran, how it went, why it waits; stop it, go on with it, forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prefect._backend.resolve import backend
from prefect._storage.filters import Condition
from prefect.cli._command import Group, argument
from prefect.cli._logs import log_options, show_logs
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table
from prefect.cli._runs import (
    STATE_TYPES,
    TERMINAL,
    age,
    duration_text,
    flow_run_duration,
    flow_run_named,
    short_ids,
    state_cell,
    state_name_of,
    tree_of,
    uuid_text,
    wants_full_ids,
    wants_full_times,
)
from prefect.cli._session import current_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.model.records import FlowRunRecord


@click.group("flow-run", cls=Group)
def flow_run() -> None:
    """See and manage flow runs. A run is named by its id, the beginning of it, or its name."""


@flow_run.command("ls")
@click.option("--flow-name", multiple=True, metavar="NAME", help="Only runs of this flow. Repeatable.")
@click.option("--limit", type=click.IntRange(1), default=15, show_default=True, help="How many runs at most.")
@click.option(
    "--state", multiple=True, metavar="NAME", help="Only runs in this state (Late, TimedOut…). Repeatable."
)
@click.option(
    "--state-type",
    multiple=True,
    type=click.Choice(STATE_TYPES, case_sensitive=False),
    help="Only runs in a state of this type. Repeatable.",
)
@output_option
def ls(
    *,
    flow_name: tuple[str, ...],
    limit: int,
    state: tuple[str, ...],
    state_type: tuple[str, ...],
    output: str | None,
) -> None:
    """List flow runs, newest first."""
    where: list[Condition] = []
    if state:
        where.append(Condition("state_name", "in", [state_name_of(name) for name in state]))
    if state_type:
        where.append(Condition("state_type", "in", state_type))
    runs = backend().find_flow_runs(flow_names=flow_name, where=where, limit=limit)
    if output:
        from prefect.cli._inspect import flow_runs_json  # its models are for JSON only

        print_json(flow_runs_json(runs))
    elif not runs:
        click.echo("No flow runs match." if where or flow_name else "There are no flow runs yet.")
    else:
        print_table(["ID", "Flow", "Name", "State", "When", "Duration"], _rows(runs), title="Flow runs")


def _rows(runs: Sequence[FlowRunRecord]) -> list[list[Any]]:
    ids = [uuid_text(run.id) for run in runs] if wants_full_ids() else short_ids([run.id for run in runs])
    when = format_time if wants_full_times() else age
    return [
        [
            run_id,
            run.flow_name,
            run.name,
            state_cell(run.state.type, run.state.name),
            when(run.state.timestamp),
            duration_text(flow_run_duration(run)),
        ]
        for run_id, run in zip(ids, runs, strict=True)
    ]


@flow_run.command("inspect")
@argument("id")
@click.option("--web/--no-web", default=False, help="Open the run in the browser (needs a server).")
@output_option
def inspect(id: str, web: bool, output: str | None) -> None:
    """Show one flow run in full."""
    from prefect.cli._inspect import flow_run_json, print_flow_run  # as above

    if web:
        fail(
            "Expected a server whose page could be opened, but runs are recorded in a file. Leave --web out."
        )
    run = flow_run_named(id)
    if output:
        print_json(flow_run_json(run))
    else:
        print_flow_run(run)


@flow_run.command("logs")
@argument("id")
@log_options
@output_option
def logs(*, id: str, head: bool, tail: bool, num_logs: int | None, reverse: bool, output: str | None) -> None:
    """Print the log lines of a flow run and its task runs."""
    run = flow_run_named(id)
    show_logs(head=head, tail=tail, num_logs=num_logs, reverse=reverse, output=output, flow_run_id=run.id)


@flow_run.command("why")
@argument("id")
@output_option
def why(id: str, output: str | None) -> None:
    """Say why a flow run is in its state, and what to do next."""
    from prefect.cli import _why  # not for the commands above

    run = flow_run_named(id)
    reason = _why.why(run)
    if output:
        print_json(
            {
                "id": uuid_text(run.id),
                "name": run.name,
                "state_type": run.state.type,
                "state_name": run.state.name,
                "why": reason.text,
                "next": reason.command,
            }
        )
        return
    click.echo(f"{run.name} ({run.state.name}): {reason.text}")
    if reason.command:
        click.echo(f"Next:  {reason.command}")


@flow_run.command("watch")
@argument("id")
@click.option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Stop watching after so long.")
@click.pass_context
def watch(ctx: click.Context, id: str, timeout: float | None) -> None:
    """Follow a flow run until it ends; exit code 0 if it completed."""
    from prefect.cli._watch import watch_flow_run  # not for the commands above

    ctx.exit(watch_flow_run(flow_run_named(id), timeout))


@flow_run.command("cancel")
@argument("id")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for its end, and enforce it.")
def cancel(id: str, wait: bool) -> None:
    """Stop a flow run: ask it, then SIGTERM, then SIGKILL (PREFECT_RUNS_CANCEL_GRACE_SECONDS apart)."""
    from prefect.cli._cancel import cancel_flow_run  # not for the commands above

    cancel_flow_run(flow_run_named(id), wait=wait)


@flow_run.command("retry")
@argument("id")
@click.option("--entrypoint", "-e", metavar="PATH:NAME", help="Where the flow is, if not where it was.")
@click.option("--yes", "-y", is_flag=True, help="Also if the run has completed.")
@click.pass_context
def retry(ctx: click.Context, id: str, entrypoint: str | None, yes: bool) -> None:
    """Execute a flow run again in place, replaying what it has recorded. Exit code 0 if it completed."""
    from prefect.cli._execute import execute_flow_run  # not for the commands above

    run = flow_run_named(id)
    if run.state.type == "COMPLETED" and not yes:
        if not current_session().may_ask():
            fail(f"Flow run '{run.name}' has completed. Add --yes to run it again.")
        click.confirm(f"Flow run '{run.name}' has completed. Run it again?", abort=True)
    ctx.exit(execute_flow_run(run, entrypoint))


@flow_run.command("execute")
@argument("id", required=False, envvar="PREFECT__FLOW_RUN_ID")
@click.pass_context
def execute(ctx: click.Context, id: str | None) -> None:
    """Take up a flow run that nobody executes, and run it here (its id may be in PREFECT__FLOW_RUN_ID)."""
    from prefect.cli._execute import execute_for_runner  # not for the commands above

    if id is None:
        fail("Expected the id of a flow run, as an argument or in PREFECT__FLOW_RUN_ID, got neither.")
    run = flow_run_named(id)
    if run.state.type in TERMINAL:
        fail(f"Flow run '{run.name}' has ended ({run.state.name}). Run it again: prefect flow-run retry {id}")
    ctx.exit(execute_for_runner(run))


@flow_run.command("delete")
@argument("id")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def delete(id: str, yes: bool) -> None:
    """Delete a flow run and what belongs to it: its subflow runs, task runs, states and logs."""
    run = flow_run_named(id)
    tree = tree_of(run)
    live = next((each for each in tree if each.owner is not None), None)
    if live is not None:
        fail(
            f"Flow run '{live.name}' is {live.state.name} and being executed. "
            f"Stop it first: prefect flow-run cancel {uuid_text(live.id)}"
        )
    below = f" and the {len(tree) - 1} flow runs below it" if len(tree) > 1 else ""
    if not yes:
        confirm(f"Delete flow run '{run.name}' of flow '{run.flow_name}' ({run.state.name}){below}?")
    backend().delete_flow_runs([each.id for each in tree])
    click.echo(f"Deleted flow run '{run.name}'{below}.")
