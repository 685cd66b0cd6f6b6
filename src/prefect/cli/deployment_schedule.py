"""`prefect deployment schedule`: when a deployment runs by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from prefect._base.clock import now_us
from prefect._base.slots import slots
from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, pages
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.deployments import DeploymentResponse, DeploymentSchedule

_YEAR_US = 366 * 86_400 * 1_000_000
_yes = click.option("--accept-yes/--no-accept-yes", "-y", default=False, help="Do not ask.")
_all = click.option("--all/--no-all", "everywhere", default=False, help="Every schedule there is.")


@click.group("schedule", cls=Group)
def schedule() -> None:
    """See and change when a deployment runs by itself. A deployment is named `flow/deployment`, or by its id."""


@schedule.command("create")
@argument("name")
@click.option("--interval", type=click.FloatRange(min=0, min_open=True), help="Every so many seconds.")
@click.option("--anchor-date", metavar="TIME", help="From when intervals are counted.")
@click.option("--rrule", metavar="RULE", help="A recurrence rule of RFC 5545.")
@click.option("--cron", metavar="CRON", help="A cron expression.")
@click.option(
    "--day_or/--no-day_or", default=True, help="Days of the month and the week in a cron are alternatives."
)
@click.option("--timezone", metavar="ZONE", help="Whose clock: an IANA name. UTC, if not given.")
@click.option("--active/--no-active", default=True, help="Whether runs are made for it.")
@click.option("--max-scheduled-runs", type=click.IntRange(1), help="How many runs are made ahead at most.")
@click.option(
    "--overlap",
    type=click.Choice(["skip", "queue", "cancel_old"]),
    help="What becomes of a slot while a run of the schedule has not ended.",
)
@click.option(
    "--catch-up",
    type=click.Choice(["skip", "latest", "all"]),
    help="What becomes of slots that nobody was there for.",
)
@click.option("--replace/--no-replace", default=False, help="In place of all its schedules.")
@_yes
def create(name: str, *, replace: bool, accept_yes: bool, **given: Any) -> None:
    """Add a schedule to a deployment."""
    made = _asked(given)
    with asking() as client:
        found = deployment_named(client, name)
        if replace and found.schedules:
            _agree(accept_yes, f"Delete its {_schedules(len(found.schedules))} and create this one?")
            for one in found.schedules:
                client.delete_deployment_schedule(found.id, one.id)
        (created,) = client.create_deployment_schedules(found.id, [made])
    click.echo(f"Created schedule {created.id} of {name}: {described(created)}.")


def _asked(given: dict[str, Any]) -> Any:
    from pydantic import ValidationError  # only what is written needs its models

    from prefect.model.requests.deployment_actions import DeploymentScheduleCreate  # as above

    kinds = [kind for kind in ("interval", "cron", "rrule") if given[kind] is not None]
    if len(kinds) != 1:
        fail(f"Expected exactly one of --interval, --cron and --rrule, got {' and '.join(kinds) or 'none'}.")
    (kind,) = kinds
    if given["anchor_date"] and kind != "interval":
        fail("An --anchor-date goes with --interval only.")
    when = {kind: given[kind], "timezone": given["timezone"]}
    if kind == "cron":
        when["day_or"] = given["day_or"]
    if given["anchor_date"]:
        when["anchor_date"] = given["anchor_date"]
    when = {field: value for field, value in when.items() if value is not None}
    policies = {field: given[field] for field in ("active", "max_scheduled_runs", "overlap", "catch_up")}
    try:
        return DeploymentScheduleCreate.model_validate({"schedule": when, **policies})
    except ValidationError as exc:
        reasons = {str(error["msg"]) for error in exc.errors() if error["type"] not in _OTHER_KINDS}
        fail(f"Expected a schedule, got something else: {'; '.join(sorted(reasons))}.")


_OTHER_KINDS = {"missing", "extra_forbidden"}  # why it is none of the other kinds of schedule


@schedule.command("delete")
@argument("deployment_name")
@argument("schedule_id", type=click.UUID)
@_yes
def delete(deployment_name: str, schedule_id: UUID, accept_yes: bool) -> None:
    """Delete a schedule, and its runs that have not begun."""
    with asking() as client:
        found = deployment_named(client, deployment_name)
        one = _schedule_of(found, deployment_name, schedule_id)
        _agree(accept_yes, f"Delete the schedule {described(one)} of {deployment_name}?")
        client.delete_deployment_schedule(found.id, one.id)
    click.echo(f"Deleted schedule {schedule_id} of {deployment_name}.")


@schedule.command("pause")
@argument("deployment_name", required=False)
@argument("schedule_id", required=False, type=click.UUID)
@_all
def pause(deployment_name: str | None, schedule_id: UUID | None, everywhere: bool) -> None:
    """Make no more runs for a schedule, for those of a deployment, or for all."""
    _switch(deployment_name, schedule_id, everywhere, active=False)


@schedule.command("resume")
@argument("deployment_name", required=False)
@argument("schedule_id", required=False, type=click.UUID)
@_all
def resume(deployment_name: str | None, schedule_id: UUID | None, everywhere: bool) -> None:
    """Make runs for a schedule again, for those of a deployment, or for all."""
    _switch(deployment_name, schedule_id, everywhere, active=True)


def _switch(name: str | None, schedule_id: UUID | None, everywhere: bool, *, active: bool) -> None:
    if everywhere == (name is not None):
        fail("Expected the name of a deployment, or --all.")
    with asking() as client:
        found = _every_deployment(client) if name is None else [deployment_named(client, name)]
        chosen = [(deployment, one) for deployment in found for one in deployment.schedules]
        if schedule_id is not None:
            chosen = [(found[0], _schedule_of(found[0], name or "", schedule_id))]
        changed = [(deployment, one) for deployment, one in chosen if one.active != active]
        if everywhere and changed:
            word = "Resume" if active else "Pause"
            confirm(f"{word} {_schedules(len(changed))}?")
        for deployment, one in changed:
            client.update_deployment_schedule(deployment.id, one.id, active=active)
    said = "Resumed" if active else "Paused"
    rest = f"; {_schedules(left)} already" if (left := len(chosen) - len(changed)) else ""
    click.echo(f"{said} {_schedules(len(changed))}{rest}.")


@schedule.command("ls")
@argument("deployment_name")
@output_option
def ls(deployment_name: str, output: str | None) -> None:
    """List the schedules of a deployment, and when each is due next."""
    with asking() as client:
        found = client.read_deployment_schedules(deployment_named(client, deployment_name).id)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo(f"{deployment_name} has no schedule.")
    else:
        rows = [
            [str(one.id), described(one), "yes" if one.active else "no", _policies(one), _next(one)]
            for one in found
        ]
        print_table(["ID", "Schedule", "Active", "Policies", "Next"], rows, title="Schedules")


@schedule.command("clear")
@argument("deployment_name")
@_yes
def clear(deployment_name: str, accept_yes: bool) -> None:
    """Delete every schedule of a deployment."""
    with asking() as client:
        found = deployment_named(client, deployment_name)
        count = len(found.schedules)
        if count:
            _agree(accept_yes, f"Delete {_schedules(count)} of {deployment_name}?")
        for one in found.schedules:
            client.delete_deployment_schedule(found.id, one.id)
    click.echo(f"Deleted {_schedules(count)} of {deployment_name}.")


def deployment_named(client: SyncPrefectClient, name: str) -> DeploymentResponse:
    """The deployment of that id, or that `flow/deployment`; the command fails where there is none."""
    try:
        return client.read_deployment(UUID(name)) if "/" not in name else client.read_deployment_by_name(name)
    except (ObjectNotFound, ValueError):
        fail(f"Expected a deployment as flow/deployment or by its id, got {name!r}, which is none.")


def described(one: DeploymentSchedule) -> str:
    """When it is due, in a few words."""
    when = one.model_dump(mode="json")["schedule"]
    zone = f" ({when['timezone']})" if when.get("timezone") else ""
    if "interval" in when:
        return f"every {when['interval']:g} s{zone}"
    return (
        f"{when['cron']}{zone}" if "cron" in when else f"{' '.join(when.get('rrule', 'never').split())}{zone}"
    )


def _policies(one: DeploymentSchedule) -> str:
    given = {"overlap": one.overlap, "catch up": one.catch_up, "at most": one.max_scheduled_runs}
    return ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)


def _next(one: DeploymentSchedule) -> str:
    now = now_us()
    due = next(slots(one.model_dump(mode="json")["schedule"], now, now + _YEAR_US), None)
    return format_time(due) if one.active else ""


def _every_deployment(client: SyncPrefectClient) -> list[DeploymentResponse]:
    return pages(lambda limit, offset: client.read_deployments(limit=limit, offset=offset), 1_000_000)


def _schedule_of(found: DeploymentResponse, name: str, schedule_id: UUID) -> DeploymentSchedule:
    one = next((one for one in found.schedules if one.id == schedule_id), None)
    return one or fail(
        f"Expected the id of a schedule of {name}, got {schedule_id}: `prefect deployment schedule ls` lists them."
    )


def _schedules(count: int) -> str:
    return f"{count} schedule{'' if count == 1 else 's'}"


def _agree(accept_yes: bool, question: str) -> None:
    if not accept_yes:
        confirm(question)
