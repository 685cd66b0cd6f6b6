"""`prefect flow`: what flows there are, and serving one."""

from __future__ import annotations

from datetime import datetime
from datetime import timezone as datetime_timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from prefect.cli._command import Group, argument
from prefect.cli._output import fail, format_time, output_option, print_json, print_table
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunSort
from prefect.model.requests.flows import FlowFilter, FlowSort
from prefect.model.state import StateType

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.objects import Flow
    from prefect.schedules import Schedule


@click.group("flow", cls=Group)
def flow() -> None:
    """See flows, and serve them. A flow is named by its name or its id."""


@flow.command("ls")
@click.option(
    "--limit", type=click.IntRange(1), default=15, show_default=True, help="How many flows at most."
)
@output_option
def ls(*, limit: int, output: str | None) -> None:
    """List flows, those that are new first."""
    with get_client(sync_client=True) as client:
        flows = client.read_flows(limit=limit, sort=FlowSort.CREATED_DESC)
    if output:
        print_json([one.model_dump(mode="json") for one in flows])
        return
    print_table(
        ["ID", "Name", "Created"],
        [[str(one.id), one.name, format_time(one.created)] for one in flows],
        "Flows",
    )


@flow.command("inspect")
@argument("flow", metavar="NAME-OR-ID")
@output_option
def inspect(*, flow: str, output: str | None) -> None:
    """Show a flow: its tags and labels, its runs by state, when it ran last."""
    with get_client(sync_client=True) as client:
        found = _named(client, flow)
        runs = {one.value: count for one in StateType if (count := _count(client, found, one))}
        last = client.read_flow_runs(
            flow_filter=_only(found), sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=1
        )
    if output:
        print_json({**found.model_dump(mode="json"), "flow_runs": runs})
        return
    click.echo(f"Flow {found.name!r}")
    lines = {
        "ID": str(found.id),
        "Created": format_time(found.created),
        "Tags": ", ".join(found.tags),
        "Labels": ", ".join(f"{name}={value}" for name, value in found.labels.items()),
        "Runs": ", ".join(f"{count} {state}" for state, count in runs.items()) or "none",
        "Last run": f"{last[0].name}, {format_time(last[0].expected_start_time)}" if last else "",
    }
    for name, text in lines.items():
        if text:
            click.echo(f"{name:<11}{text}")


def _count(client: SyncPrefectClient, found: Flow, state_type: StateType) -> int:
    asked = FlowRunFilter.model_validate({"state": {"type": {"any_": [state_type]}}})
    return client.count_flow_runs(flow_filter=_only(found), flow_run_filter=asked)


def _only(found: Flow) -> FlowFilter:
    return FlowFilter.model_validate({"id": {"any_": [found.id]}})


def _named(client: SyncPrefectClient, text: str) -> Flow:
    try:
        return client.read_flow_by_name(text)
    except ObjectNotFound:
        pass
    try:
        return client.read_flow(UUID(text))
    except (ValueError, ObjectNotFound):
        fail(f"Expected the name or the id of a flow, got {text!r}. See `prefect flow ls`.")


@flow.command("serve")
@argument("entrypoint", metavar="PATH:NAME")
@click.option("--name", "-n", required=True, help="The deployment's name.")
@click.option("--description", "-d", help="For people; the flow's docstring unless given.")
@click.option("--version", "-v", help="The flow's unless given.")
@click.option("--tag", "-t", "tags", multiple=True, help="Of every run.")
@click.option("--cron", help="When it runs by itself: a cron expression.")
@click.option("--interval", type=click.IntRange(1), metavar="SECONDS", help="When: every so often.")
@click.option("--anchor-date", metavar="TIME", help="From when intervals are counted (ISO 8601).")
@click.option("--rrule", help="When: a recurrence rule of RFC 5545.")
@click.option("--timezone", metavar="ZONE", help="Of the schedule, as Europe/Berlin; UTC unless given.")
@click.option("--pause-on-shutdown/--no-pause-on-shutdown", default=True, show_default=True)
@click.option("--limit", type=click.IntRange(1), help="How many runs this process executes at once.")
@click.option("--global-limit", type=click.IntRange(1), help="How many at once, wherever they are executed.")
def serve(
    *,
    entrypoint: str,
    name: str,
    description: str | None,
    version: str | None,
    tags: tuple[str, ...],
    pause_on_shutdown: bool,
    limit: int | None,
    global_limit: int | None,
    **when: Any,
) -> None:
    """Execute the runs of a flow, scheduled or asked for, until Ctrl-C."""
    from prefect.deployments.runner import RunnerDeployment  # only for what serves
    from prefect.flows import serve as serve_deployments  # the engine: likewise

    try:
        deployment = RunnerDeployment.from_entrypoint(
            entrypoint,
            name,
            description=description,
            version=version,
            tags=list(tags),
            schedule=_schedule(**when),
            concurrency_limit=global_limit,
        )
    except ValueError as exc:
        fail(str(exc))
    serve_deployments(deployment, pause_on_shutdown=pause_on_shutdown, limit=limit)


def _schedule(
    *, cron: Any, interval: Any, rrule: Any, anchor_date: str | None, timezone: str | None
) -> Schedule | None:
    from prefect.schedules import Cron, Interval, RRule  # only for what serves

    if len([one for one in (cron, interval, rrule) if one is not None]) > 1:
        fail("Expected one of --cron, --interval and --rrule, got more than one.")
    if anchor_date is not None and interval is None:
        fail("Expected --anchor-date with --interval only.")
    if cron is not None:
        return Cron(cron, timezone=timezone)
    if rrule is not None:
        return RRule(rrule, timezone=timezone)
    if interval is None:
        return None
    anchor = datetime.fromisoformat(anchor_date.replace("Z", "+00:00")) if anchor_date else None
    if anchor is not None and anchor.tzinfo is None:
        anchor = anchor.replace(tzinfo=datetime_timezone.utc)
    return Interval(interval, timezone=timezone, anchor_date=anchor)
