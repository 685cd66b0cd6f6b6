"""`prefect work-pool`: kinds of infrastructure, and how the jobs of runs are made on each."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prefect._base.clock import now
from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, pages, shortened
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table
from prefect.cli._session import current_session

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.runs import FlowRun
    from prefect.model.work_pools import WorkPool

_EVERY = 10_000


@click.group("work-pool", cls=Group)
def work_pool() -> None:
    """See and manage work pools: where the runs of deployments are executed."""


@work_pool.command("create")
@argument("name")
@click.option("--base-job-template", metavar="FILE", help="JSON: how jobs are made; - reads standard input.")
@click.option("--paused/--no-paused", default=False, help="Give no runs to workers, until it is resumed.")
@click.option(
    "--type", "-t", "kind", metavar="TYPE", help="Of the infrastructure, such as process or docker."
)
@click.option(
    "--set-as-default/--no-set-as-default", default=False, help="Deploy to it unless told otherwise."
)
@click.option(
    "--provision-infrastructure/--no-provision-infrastructure",
    "--provision-infra",
    default=False,
    help="Refused: that is for hosted services.",
)
@click.option(
    "--overwrite/--no-overwrite", default=False, help="Change the pool of that name, if there is one."
)
def create(
    *,
    name: str,
    base_job_template: str | None,
    paused: bool,
    kind: str | None,
    set_as_default: bool,
    provision_infrastructure: bool,
    overwrite: bool,
) -> None:
    """Make a work pool."""
    from prefect.model.requests.work_pool_actions import WorkPoolCreate  # pydantic, for what is written only

    if provision_infrastructure:
        fail("Infrastructure cannot be provisioned: that is for hosted services. Leave the option out.")
    kind = kind or _ask_kind()
    template = _template_from(base_job_template) if base_job_template else _default_template(kind)
    taken = f"There is a work pool named {name!r}. Choose another name, or add --overwrite."
    with asking(taken=taken) as client:
        try:
            wanted = WorkPoolCreate(name=name, type=kind, base_job_template=template, is_paused=paused)
        except ValueError as exc:
            fail(f"Expected a work pool that can be: {exc}")
        client.create_work_pool(wanted, overwrite=overwrite)
    click.echo(f"Created the work pool {name!r}. Execute its runs: prefect worker start --pool {name!r}")
    if set_as_default:
        _set_as_default(name)


@work_pool.command("ls")
@click.option("--verbose/--no-verbose", "-v", default=False, help="Show descriptions and ids too.")
@output_option
def ls(verbose: bool, output: str | None) -> None:
    """List the work pools, by name."""
    with asking() as client:
        found = pages(client.read_work_pools, _EVERY)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no work pools yet. Make one: prefect work-pool create my-pool --type process")
    else:
        _print(found, verbose=verbose)


@work_pool.command("inspect")
@argument("name")
@output_option
def inspect(name: str, output: str | None) -> None:
    """Show a work pool, with its template."""
    with asking(_missing(name)) as client:
        found = as_json([client.read_work_pool(name)])[0]
    if output:
        print_json(found)
        return
    for field, value in found.items():
        shown = (
            json.dumps(value, indent=2) if isinstance(value, dict) else "" if value is None else str(value)
        )
        click.echo(f"{field}: {shown}")


@work_pool.command("slots")
@argument("name")
@output_option
def slots(name: str, output: str | None) -> None:
    """Show which runs occupy the slots of a work pool."""
    with asking(_missing(name)) as client:
        status = client.read_work_pool_concurrency_status(name)
    if output:
        print_json(as_json([status])[0])
        return
    click.echo(f"{status.active_slots} of {_limit(status.concurrency_limit)} slots are taken.")
    rows = [
        [queue.queue_name, run.name, run.state_name or "", format_time(run.state_timestamp)]
        for queue in status.queues
        for run in queue.flow_runs
    ]
    if rows:
        print_table(["Queue", "Flow run", "State", "Since"], rows, title="Slots")


@work_pool.command("pause")
@argument("name")
def pause(name: str) -> None:
    """Give the runs of a work pool to no worker."""
    _change(name, is_paused=True)
    click.echo(f"Paused the work pool {name!r}.")


@work_pool.command("resume")
@argument("name")
def resume(name: str) -> None:
    """Give the runs of a work pool to its workers again."""
    _change(name, is_paused=False)
    click.echo(f"Resumed the work pool {name!r}.")


@work_pool.command("update")
@argument("name")
@click.option("--base-job-template", metavar="FILE", help="JSON: how jobs are made; - reads standard input.")
@click.option("--concurrency-limit", type=click.IntRange(0), help="So many runs at once.")
@click.option("--description", help="For people.")
def update(
    name: str, base_job_template: str | None, concurrency_limit: int | None, description: str | None
) -> None:
    """Change a work pool."""
    template = _template_from(base_job_template) if base_job_template else None
    given = {
        "base_job_template": template,
        "concurrency_limit": concurrency_limit,
        "description": description,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        fail("Expected something to change, got nothing. Give an option such as --concurrency-limit.")
    _change(name, **changes)
    click.echo(f"Changed the work pool {name!r}.")


@work_pool.command("delete")
@argument("name")
def delete(name: str) -> None:
    """Remove a work pool and its queues; its deployments are left without one."""
    with asking(_missing(name)) as client:
        client.read_work_pool(name)
        confirm(f"Delete the work pool {name!r}, with its queues?")
        client.delete_work_pool(name)
    click.echo(f"Deleted the work pool {name!r}.")


@work_pool.command("set-concurrency-limit")
@argument("name")
@argument("concurrency_limit", type=click.IntRange(0))
def set_concurrency_limit(name: str, concurrency_limit: int) -> None:
    """Let only so many runs of a work pool be executed at once."""
    _change(name, concurrency_limit=concurrency_limit)
    click.echo(f"At most {concurrency_limit} runs of the work pool {name!r} are executed at once.")


@work_pool.command("clear-concurrency-limit")
@argument("name")
def clear_concurrency_limit(name: str) -> None:
    """Let any number of runs of a work pool be executed at once."""
    _change(name, concurrency_limit=None)
    click.echo(f"The work pool {name!r} has no limit.")


@work_pool.command("get-default-base-job-template")
@click.option("--type", "-t", "kind", metavar="TYPE", required=True, help="Of the work pool.")
@click.option("--file", "-f", type=click.Path(dir_okay=False, path_type=Path), help="Write it there instead.")
def get_default_base_job_template(kind: str, file: Path | None) -> None:
    """Print how the jobs of a type of work pools are made by default: JSON to be changed and given to `create`."""
    template = _default_template(kind)
    if file is None:
        print_json(template)
        return
    file.write_text(json.dumps(template, indent=2) + "\n", encoding="utf-8")
    click.echo(f"Wrote {file}.")


@work_pool.command("preview")
@argument("name", required=False)
@click.option(
    "--hours", "-h", type=click.IntRange(1), default=1, show_default=True, help="Look so far ahead."
)
@output_option
def preview(name: str | None, hours: int, output: str | None) -> None:
    """List the runs that wait in a work pool, or in every one."""
    before = now() + timedelta(hours=hours)
    with asking(_missing(name or "")) as client:
        names = [name] if name else [one.name for one in pages(client.read_work_pools, _EVERY)]
        found = [(pool, run) for pool in names for run in waiting_in(client, pool, before)]
    if output:
        print_json([{"work_pool_name": pool, **as_json([run])[0]} for pool, run in found])
    elif not found:
        click.echo("No runs wait.")
    else:
        rows = [
            [
                pool,
                run.work_queue_name or "",
                run.name,
                format_time(run.next_scheduled_start_time),
                str(run.id),
            ]
            for pool, run in found
        ]
        print_table(["Pool", "Queue", "Flow run", "Start", "ID"], rows, title="Upcoming runs")


def waiting_in(client: SyncPrefectClient, pool: str, before: Any, queue: str | None = None) -> list[FlowRun]:
    """The runs that wait in a pool, or in one queue of it, the earliest first."""
    from prefect.model.requests.flow_runs import FlowRunFilter, FlowRunSort  # pydantic: for these only
    from prefect.model.requests.work_pools import WorkPoolFilter, WorkQueueFilter  # as above

    runs = FlowRunFilter.model_validate(
        {"state": {"type": {"any_": ["SCHEDULED"]}}, "next_scheduled_start_time": {"before_": before}}
    )
    queues = WorkQueueFilter.model_validate({"name": {"any_": [queue]}}) if queue else None
    return pages(
        lambda limit, offset: client.read_flow_runs(
            flow_run_filter=runs,
            work_pool_filter=WorkPoolFilter.model_validate({"name": {"any_": [pool]}}),
            work_queue_filter=queues,
            sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
            limit=limit,
            offset=offset,
        ),
        _EVERY,
    )


def _ask_kind() -> str:
    from prefect.workers._kinds import kinds  # 400 ms of import

    known = sorted(kinds())
    if not current_session().may_ask():
        fail(f"Expected --type, one of {', '.join(known)}.")
    return click.prompt("Of which type", type=click.Choice(known), default="process")


def _default_template(kind: str) -> dict[str, Any]:
    from prefect.workers._kinds import kinds  # 400 ms of import

    known = kinds()
    if kind not in known:
        fail(
            f"Expected a type of work pools that is installed here ({', '.join(sorted(known))}), got {kind!r}. "
            f"Install the package that has it: pip install --no-deps prefect-{kind}"
        )
    return known[kind].get_default_base_job_template()


def _template_from(source: str) -> dict[str, Any]:
    with click.open_file(source, encoding="utf-8") as file:
        text = file.read()
    try:
        template = json.loads(text)
    except ValueError as exc:
        fail(f"Expected JSON in {source}: {exc}.")
    if not isinstance(template, dict) or {"job_configuration", "variables"} - template.keys():
        fail(f"Expected an object with job_configuration and variables in {source}.")
    return template  # pyright: ignore[reportUnknownVariableType] # JSON


def _set_as_default(name: str) -> None:
    from prefect.settings import update_current_profile  # for this option only

    profile = update_current_profile({"PREFECT_DEPLOYMENTS_DEFAULT_WORK_POOL_NAME": name})
    click.echo(f"The profile {profile.name!r} deploys to {name!r} unless told otherwise.")


def _change(name: str, **changes: Any) -> None:
    from prefect.model.requests.work_pool_actions import WorkPoolUpdate  # pydantic, for what is written only

    with asking(_missing(name)) as client:
        try:
            wanted = WorkPoolUpdate(**changes)
        except ValueError as exc:
            fail(f"Expected a work pool that can be: {exc}")
        client.update_work_pool(name, wanted)


def _print(pools: list[WorkPool], *, verbose: bool) -> None:
    columns = ["Name", "Type", "Status", "Limit"] + ["Default queue", "Description"] * verbose
    rows = [
        [one.name, one.type, one.status.value if one.status else "", _limit(one.concurrency_limit)]
        + ([str(one.default_queue_id), shortened(one.description or "")] if verbose else [])
        for one in pools
    ]
    print_table(columns, rows, title="Work pools")


def _limit(limit: int | None) -> str:
    return "any number" if limit is None else str(limit)


def _missing(name: str) -> str:
    return f"Expected the name of a work pool, got {name!r}: `prefect work-pool ls` lists them."
