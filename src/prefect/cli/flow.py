"""`prefect flow`: what flows there are."""

from __future__ import annotations

from typing import TYPE_CHECKING
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


@click.group("flow", cls=Group)
def flow() -> None:
    """See flows. A flow is named by its name or its id."""


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
