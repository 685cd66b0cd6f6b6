"""`prefect work-queue`: the queues of work pools, by priority."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from prefect._base.clock import now
from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, pages
from prefect.cli._output import confirm, format_time, output_option, print_json, print_table
from prefect.cli.work_pool import waiting_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.runs import FlowRun
    from prefect.model.work_pools import WorkQueue

_EVERY = 10_000
_DEFAULT_POOL = "default-agent-pool"  # the server's own, of queues that are made without a pool


def pool_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option of every command here: which pool."""
    return click.option("--pool", "-p", metavar="POOL", help="Of this work pool.")(command)


@click.group("work-queue", cls=Group)
def work_queue() -> None:
    """See and manage the queues of work pools. A queue is named by its name or id."""


@work_queue.command("create")
@argument("name")
@click.option("--limit", "-l", type=click.IntRange(0), help="So many runs at once.")
@pool_option
@click.option("--priority", "-q", type=click.IntRange(1), help="1 comes first.")
def create(name: str, limit: int | None, pool: str | None, priority: int | None) -> None:
    """Make a queue in a work pool."""
    taken = f"There is a queue named {name!r} in that pool. Choose another name."
    with asking(
        f"Expected the name of a work pool, got {pool!r}: `prefect work-pool ls` lists them.", taken
    ) as client:
        client.create_work_queue(name, concurrency_limit=limit, priority=priority, work_pool_name=pool)
    click.echo(f"Created the queue {name!r}.")


@work_queue.command("set-concurrency-limit")
@argument("name")
@argument("limit", type=click.IntRange(0))
@pool_option
def set_concurrency_limit(name: str, limit: int, pool: str | None) -> None:
    """Let only so many runs of a queue be executed at once."""
    _change(name, pool, concurrency_limit=limit)
    click.echo(f"At most {limit} runs of the queue {name!r} are executed at once.")


@work_queue.command("clear-concurrency-limit")
@argument("name")
@pool_option
def clear_concurrency_limit(name: str, pool: str | None) -> None:
    """Let any number of runs of a queue be executed at once."""
    _change(name, pool, concurrency_limit=None)
    click.echo(f"The queue {name!r} has no limit.")


@work_queue.command("pause")
@argument("name")
@pool_option
def pause(name: str, pool: str | None) -> None:
    """Give the runs of a queue to no worker."""
    _change(name, pool, is_paused=True)
    click.echo(f"Paused the queue {name!r}.")


@work_queue.command("resume")
@argument("name")
@pool_option
def resume(name: str, pool: str | None) -> None:
    """Give the runs of a queue to workers again."""
    _change(name, pool, is_paused=False)
    click.echo(f"Resumed the queue {name!r}.")


@work_queue.command("inspect")
@argument("name")
@pool_option
@output_option
def inspect(name: str, pool: str | None, output: str | None) -> None:
    """Show a queue."""
    with asking(_missing(name)) as client:
        found = as_json([_named(client, name, pool)])[0]
    if output:
        print_json(found)
        return
    for field, value in found.items():
        click.echo(f"{field}: {'' if value is None else value}")


@work_queue.command("slots")
@argument("name")
@pool_option
@output_option
def slots(name: str, pool: str | None, output: str | None) -> None:
    """Show which runs occupy the slots of a queue."""
    with asking(_missing(name)) as client:
        status = client.read_work_queue_concurrency_status(_named(client, name, pool).id)
    if output:
        print_json(as_json([status])[0])
        return
    limit = "any number of" if status.concurrency_limit is None else status.concurrency_limit
    click.echo(f"{status.active_slots} of {limit} slots are taken.")
    if status.flow_runs:
        rows = [
            [run.name, run.state_name or "", format_time(run.state_timestamp)] for run in status.flow_runs
        ]
        print_table(["Flow run", "State", "Since"], rows, title="Slots")


@work_queue.command("ls")
@click.option("--verbose/--no-verbose", "-v", default=False, help="Show descriptions and ids too.")
@click.option("--match", "-m", metavar="TEXT", help="Only queues whose names begin with it.")
@pool_option
@output_option
def ls(verbose: bool, match: str | None, pool: str | None, output: str | None) -> None:
    """List the queues of a work pool, or of all."""
    with asking(
        f"Expected the name of a work pool, got {pool!r}: `prefect work-pool ls` lists them."
    ) as client:
        if match:
            found = client.match_work_queues([match], pool)
        else:
            found = pages(
                lambda limit, offset: client.read_work_queues(pool, limit=limit, offset=offset), _EVERY
            )
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("No queues match." if match else "There are no queues yet.")
    else:
        _print(found, verbose=verbose)


@work_queue.command("preview")
@argument("name")
@click.option(
    "--hours", "-h", type=click.IntRange(1), default=1, show_default=True, help="Look so far ahead."
)
@pool_option
@output_option
def preview(name: str, hours: int, pool: str | None, output: str | None) -> None:
    """List the runs that wait in a queue."""
    before = now() + timedelta(hours=hours)
    with asking(_missing(name)) as client:
        queue = _named(client, name, pool)
        found = waiting_in(client, queue.work_pool_name or _DEFAULT_POOL, before, queue.name)
    _show(found, output)


@work_queue.command("delete")
@argument("name")
@pool_option
def delete(name: str, pool: str | None) -> None:
    """Remove a queue; its deployments are left without one."""
    with asking(_missing(name)) as client:
        queue = _named(client, name, pool)
        confirm(f"Delete the queue {queue.name!r}?")
        client.delete_work_queue_by_id(queue.id)
    click.echo(f"Deleted the queue {queue.name!r}.")


@work_queue.command("read-runs")
@argument("name")
@pool_option
@output_option
def read_runs(name: str, pool: str | None, output: str | None) -> None:
    """List the runs that a worker would be given now."""
    with asking(_missing(name)) as client:
        found = client.get_runs_in_work_queue(_named(client, name, pool).id, scheduled_before=now())
    _show(found, output)


def _show(runs: list[FlowRun], output: str | None) -> None:
    if output:
        print_json(as_json(runs))
    elif not runs:
        click.echo("No runs wait.")
    else:
        rows = [[run.name, format_time(run.next_scheduled_start_time), str(run.id)] for run in runs]
        print_table(["Flow run", "Start", "ID"], rows, title="Upcoming runs")


def _named(client: SyncPrefectClient, name: str, pool: str | None) -> WorkQueue:
    """The queue of that name, or else id. Raises ObjectNotFound."""
    try:
        queue_id = UUID(name)
    except ValueError:
        return client.read_work_queue_by_name(name, pool)
    return client.read_work_queue(queue_id)


def _change(name: str, pool: str | None, **changes: Any) -> None:
    with asking(_missing(name)) as client:
        client.update_work_queue(_named(client, name, pool).id, **changes)


def _print(queues: Sequence[WorkQueue], *, verbose: bool) -> None:
    columns = ["Name", "Pool", "Priority", "Limit", "Status"] + ["ID", "Description"] * verbose
    rows = [
        [
            one.name,
            one.work_pool_name or "",
            str(one.priority),
            "any number" if one.concurrency_limit is None else str(one.concurrency_limit),
            one.status.value if one.status else "",
            *([str(one.id), one.description or ""] if verbose else []),
        ]
        for one in queues
    ]
    print_table(columns, rows, title="Work queues")


def _missing(name: str) -> str:
    return f"Expected the name of a queue, got {name!r}: `prefect work-queue ls` lists them; --pool says of which pool."
