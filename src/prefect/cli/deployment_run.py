"""`prefect deployment run`: ask for a run of a deployment, now or later, and follow it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from prefect.cli import _pairs
from prefect.cli._command import argument
from prefect.cli._objects import asking
from prefect.cli._output import fail, format_time
from prefect.cli._when import start_of
from prefect.cli.deployment import named, names_of
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.deployments import DeploymentResponse
    from prefect.model.runs import FlowRun


@click.command("run")
@argument("name", required=False)
@click.option("--id", "deployment_id", type=click.UUID, help="The deployment of this id.")
@click.option(
    "--param", "-p", multiple=True, metavar="NAME=VALUE", help="A parameter: JSON or text. Repeatable."
)
@click.option("--params", metavar="JSON", help="Parameters as a JSON object; - reads standard input.")
@click.option(
    "--job-variable", "-jv", multiple=True, metavar="NAME=VALUE", help="A job variable. Repeatable."
)
@click.option("--start-in", metavar="TIME", help="Start it so much later: '10 minutes', '1h30m'.")
@click.option("--start-at", metavar="WHEN", help="Start it then: '2026-11-23 17:00', '5pm'.")
@click.option("--tag", multiple=True, metavar="TAG", help="A tag of the run. Repeatable.")
@click.option("--flow-run-name", metavar="NAME", help="The name of the run.")
@click.option("--watch/--no-watch", default=False, help="Follow the run until it ends; 0 if it completed.")
@click.option(
    "--watch-interval", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Between two looks."
)
@click.option(
    "--watch-timeout", type=click.FloatRange(0), metavar="SECONDS", help="Stop watching after so long."
)
@click.pass_context
def run(
    ctx: click.Context,
    *,
    name: str | None,
    deployment_id: UUID | None,
    param: tuple[str, ...],
    params: str | None,
    job_variable: tuple[str, ...],
    start_in: str | None,
    start_at: str | None,
    tag: tuple[str, ...],
    flow_run_name: str | None,
    watch: bool,
    watch_interval: float | None,
    watch_timeout: float | None,
) -> None:
    """Ask for a run of a deployment. Whoever serves it, or a worker, executes it."""
    if (name is None) == (deployment_id is None):
        fail("Expected the name of a deployment (flow/deployment) or --id ID, one of the two.")
    given: dict[str, Any] = {
        "parameters": _pairs.parameters(param, params),
        "job_variables": _pairs.pairs(job_variable, "--job-variable") or None,
        "tags": tag,
        "name": flow_run_name,
    }
    start = start_of(start_in, start_at)
    with asking() as client:
        deployment = named(client, name or str(deployment_id))
        _require_known(deployment, given["parameters"])
        full_name = names_of(client, [deployment])[deployment.id]
        made = _create(client, deployment, full_name, start, given)
    _show(made, full_name)
    if watch:
        from prefect.cli._runs import flow_run_named  # only for who watches
        from prefect.cli._watch import watch_flow_run

        ctx.exit(watch_flow_run(flow_run_named(str(made.id)), watch_timeout, watch_interval))


def _require_known(deployment: DeploymentResponse, parameters: dict[str, Any]) -> None:
    schema = deployment.parameter_openapi_schema or {}
    known: dict[str, Any] = schema.get("properties", {})
    unknown = [name for name in parameters if name not in known]
    if schema and unknown and not schema.get("additionalProperties"):
        fail(
            f"Expected parameters of {deployment.name!r}, which takes {', '.join(sorted(known)) or 'none'}, "
            f"got {', '.join(unknown)}."
        )


def _create(
    client: SyncPrefectClient,
    deployment: DeploymentResponse,
    full_name: str,
    start: datetime | None,
    given: dict[str, Any],
) -> FlowRun:
    from prefect._api.errors import Refused  # only for who asks for runs
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.states import Scheduled

    try:
        return client.create_flow_run_from_deployment(
            deployment.id, state=Scheduled(scheduled_time=start), **given
        )
    except (Refused, ObjectAlreadyExists) as exc:
        fail(f"{exc}. See what it takes: prefect deployment inspect '{full_name}'")


def _show(made: FlowRun, full_name: str) -> None:
    click.echo(f"Created flow run {made.name!r} of deployment {full_name!r}.")
    lines = {
        "ID": str(made.id),
        "Starts": format_time(made.expected_start_time),
        "Parameters": json.dumps(made.parameters) if made.parameters else "",
        "Job variables": json.dumps(made.job_variables) if made.job_variables else "",
    }
    base = get_current_settings().ui_url
    if base:
        lines["URL"] = f"{base}/runs/flow-run/{made.id}"
    for label, text in lines.items():
        if text:
            click.echo(f"  {label:<14}{text}")
