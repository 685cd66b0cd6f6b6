"""`prefect deployment`: what is deployed; run it, pause it, forget it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from prefect.cli._command import Entry, LazyGroup, argument
from prefect.cli._objects import as_json, asking, pages
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.deployments import DeploymentResponse, DeploymentSchedule

_EVERYTHING = 1_000_000

_ENTRIES = {
    "apply": Entry("prefect.cli.deployment_apply:apply", "Create or update the deployments of a file."),
    "backfill": Entry(
        "prefect.cli.deployment_backfill:backfill", "Run it once for each slot of a stretch of time."
    ),
    "delete": Entry("prefect.cli.deployment:delete", "Delete a deployment, or all of them."),
    "inspect": Entry("prefect.cli.deployment:inspect", "Show a deployment."),
    "ls": Entry("prefect.cli.deployment:ls", "List deployments."),
    "pause": Entry("prefect.cli.deployment:pause", "Make no more runs for its schedules."),
    "resume": Entry("prefect.cli.deployment:resume", "Make runs for its schedules again."),
    "run": Entry("prefect.cli.deployment_run:run", "Ask for a run of a deployment."),
    "schedule": Entry("prefect.cli.deployment_schedule:schedule", "See and change when it runs by itself."),
}


@click.group("deployment", cls=LazyGroup, entries=_ENTRIES)
def deployment() -> None:
    """See, run and manage deployments. A deployment is named `flow/deployment`, or by its id."""


@click.command("ls")
@argument("flow_name", nargs=-1)
@click.option("--by-created/--no-by-created", default=False, help="Those that are new first.")
@output_option
def ls(flow_name: tuple[str, ...], by_created: bool, output: str | None) -> None:
    """List deployments by name; those of some flows only, if these are named."""
    from prefect.model.requests.deployments import DeploymentSort  # only for this command
    from prefect.model.requests.flows import FlowFilter

    where = FlowFilter.model_validate({"name": {"any_": list(flow_name)}}) if flow_name else None
    order = DeploymentSort.CREATED_DESC if by_created else DeploymentSort.NAME_ASC
    with asking() as client:
        found = pages(
            lambda limit, offset: client.read_deployments(
                flow_filter=where, sort=order, limit=limit, offset=offset
            ),
            _EVERYTHING,
        )
        names = names_of(client, found)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no such deployments." if flow_name else "There are no deployments yet.")
    else:
        shown = found if by_created else sorted(found, key=lambda one: names[one.id])
        rows = [_row(one, names[one.id]) for one in shown]
        print_table(["Name", "ID", "Schedules", "Work pool", "Tags"], rows, title="Deployments")


def _row(one: DeploymentResponse, name: str) -> list[str]:
    schedules = "paused" if one.paused else "; ".join(schedule_text(each) for each in one.schedules)
    return [name, str(one.id), schedules, one.work_pool_name or "", ", ".join(one.tags)]


def names_of(client: SyncPrefectClient, found: list[DeploymentResponse]) -> dict[UUID, str]:
    """The full names `flow/deployment`, by the deployments' ids."""
    from prefect.model.requests.flows import FlowFilter  # only for commands that show names

    ids = list({one.flow_id for one in found})
    flows: dict[UUID, str] = {}
    for start in range(0, len(ids), 100):
        where = FlowFilter.model_validate({"id": {"any_": ids[start : start + 100]}})
        flows |= {flow.id: flow.name for flow in client.read_flows(flow_filter=where, limit=100)}
    return {one.id: f"{flows.get(one.flow_id, '?')}/{one.name}" for one in found}


def schedule_text(one: DeploymentSchedule) -> str:
    """A schedule in a few words."""
    schedule: Any = one.schedule
    text = (
        f"cron {schedule.cron}"
        if hasattr(schedule, "cron")
        else f"every {schedule.interval}"
        if hasattr(schedule, "interval")
        else f"rrule {schedule.rrule}"
        if hasattr(schedule, "rrule")
        else "never"
    )
    zone = getattr(schedule, "timezone", None)
    return text + (f" ({zone})" if zone and zone != "UTC" else "") + ("" if one.active else " (inactive)")


def named(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    """The deployment of a name or an id. Ends the command where there is none."""
    from prefect._base.drive import drive  # only for commands that name one
    from prefect.deployments.flow_runs import find_deployment

    try:
        return drive(find_deployment(client, name))
    except ValueError as exc:
        fail(f"{exc} `prefect deployment ls` lists them.")


@click.command("inspect")
@argument("name")
@output_option
def inspect(name: str, output: str | None) -> None:
    """Show a deployment in full."""
    with asking() as client:
        one = named(client, name)
        full_name = names_of(client, [one])[one.id]
    if output:
        print_json(as_json([one])[0])
        return
    click.echo(f"Deployment {full_name!r}" + (" (paused)" if one.paused else ""))
    for label, text in _lines(one).items():
        if text:
            click.echo(f"{label:<15}{text}")
    for step in one.pull_steps or ():
        click.echo(f"  pull: {json.dumps(step)}")


def _lines(one: DeploymentResponse) -> dict[str, str]:
    queue = f" (queue {one.work_queue_name})" if one.work_queue_name else ""
    limit = one.global_concurrency_limit.limit if one.global_concurrency_limit else one.concurrency_limit
    properties: dict[str, Any] = (one.parameter_openapi_schema or {}).get("properties", {})
    return {
        "ID": str(one.id),
        "Description": " ".join((one.description or "").split()),
        "Version": one.version or "",
        "Status": one.status.value if one.status else "",
        "Tags": ", ".join(one.tags),
        "Entrypoint": one.entrypoint or "",
        "Path": one.path or "",
        "Takes": ", ".join(_taken(name, about) for name, about in properties.items()),
        "Parameters": json.dumps(one.parameters) if one.parameters else "",
        "Job variables": json.dumps(one.job_variables) if one.job_variables else "",
        "Schedules": "; ".join(schedule_text(each) for each in one.schedules),
        "Limit": "" if limit is None else str(limit),
        "Work pool": f"{one.work_pool_name}{queue}" if one.work_pool_name else "",
        "Created": format_time(one.created),
        "Updated": format_time(one.updated),
    }


def _taken(name: str, about: dict[str, Any]) -> str:
    kind = f": {about['type']}" if isinstance(about.get("type"), str) else ""
    return f"{name}{kind}" + (f" = {json.dumps(about['default'])}" if "default" in about else "")


@click.command("pause")
@argument("name")
def pause(name: str) -> None:
    """Make no more runs for its schedules."""
    with asking() as client:
        client.pause_deployment(named(client, name).id)
    click.echo(f"Paused deployment {name!r}. Go on: prefect deployment resume {name}")


@click.command("resume")
@argument("name")
def resume(name: str) -> None:
    """Make runs for its schedules again."""
    with asking() as client:
        client.resume_deployment(named(client, name).id)
    click.echo(f"Resumed deployment {name!r}.")


@click.command("delete")
@argument("name", required=False)
@click.option("--id", "deployment_id", type=click.UUID, help="The deployment of this id.")
@click.option("--all/--no-all", "everything", default=False, help="All deployments.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def delete(name: str | None, deployment_id: UUID | None, everything: bool, yes: bool) -> None:
    """Delete a deployment, or all of them. Runs that have been made stay; those that wait for their time go."""
    if sum((name is not None, deployment_id is not None, everything)) != 1:
        fail("Expected one of: the name of a deployment, --id ID, --all.")
    with asking() as client:
        if everything:
            found = pages(
                lambda limit, offset: client.read_deployments(limit=limit, offset=offset), _EVERYTHING
            )
        else:
            found = [named(client, name or str(deployment_id))]
        names = names_of(client, found)
        if not yes and found:
            what = f"all {len(found)} deployments" if everything else f"deployment {names[found[0].id]!r}"
            confirm(f"Delete {what}?")
        for one in found:
            client.delete_deployment(one.id)
            click.echo(f"Deleted deployment {names[one.id]!r}.")
    if not found:
        click.echo("There are no deployments.")
