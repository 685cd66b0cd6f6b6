"""`prefect global-concurrency-limit`: named limits that code of any kind takes slots of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, pages
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table

if TYPE_CHECKING:
    from prefect.model.concurrency import GlobalConcurrencyLimitResponse

_EVERY = 10_000


@click.group("global-concurrency-limit", cls=Group)
def global_concurrency_limit() -> None:
    """Limit how much runs at once under a name, or how often something starts."""


@global_concurrency_limit.command("ls")
@output_option
def ls(output: str | None) -> None:
    """List the limits, by name."""
    with asking() as client:
        found = pages(client.read_global_concurrency_limits, _EVERY)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no limits yet.")
    else:
        _print(found)


@global_concurrency_limit.command("inspect")
@argument("name")
@click.option("--file", "-f", type=click.Path(path_type=Path), help="Write JSON into this file.")
@output_option
def inspect(name: str, file: Path | None, output: str | None) -> None:
    """Show a limit."""
    with asking(_missing(name)) as client:
        one = client.read_global_concurrency_limit_by_name(name)
    if file is not None:
        file.write_text(one.model_dump_json(indent=2) + "\n", encoding="utf-8")
        click.echo(f"Wrote {file}.")
    elif output:
        print_json(as_json([one])[0])
    else:
        _print([one])


@global_concurrency_limit.command("create")
@argument("name")
@click.option("--limit", "-l", type=click.IntRange(0), required=True, help="How many slots there are.")
@click.option("--disable/--no-disable", default=False, help="Let everybody pass, until it is enabled.")
@click.option("--active-slots", type=click.IntRange(0), default=0, help="So many of them are taken.")
@click.option(
    "--slot-decay-per-second", type=click.FloatRange(0), default=0.0, help="A rate: slots freed a second."
)
def create(*, name: str, limit: int, disable: bool, active_slots: int, slot_decay_per_second: float) -> None:
    """Make a limit."""
    from pydantic import ValidationError  # its models are for what is written only

    from prefect.model.requests.concurrency import GlobalConcurrencyLimitCreate  # as above

    wanted = GlobalConcurrencyLimitCreate(
        name=name,
        limit=limit,
        active=not disable,
        active_slots=active_slots,
        slot_decay_per_second=slot_decay_per_second,
    )
    with asking(taken=f"There is a limit named {name!r}. Use `update` to change it.") as client:
        try:
            client.create_global_concurrency_limit(wanted)
        except ValidationError as exc:
            fail(f"Expected a name without / % & > <, got {name!r}: {exc.errors()[0]['msg']}.")
    click.echo(f"Made the limit {name!r}.")


@global_concurrency_limit.command("update")
@argument("name")
@click.option("--enable/--no-enable", default=False, help="Hold askers to it.")
@click.option("--disable/--no-disable", default=False, help="Let everybody pass.")
@click.option("--limit", "-l", type=click.IntRange(0), help="How many slots there are.")
@click.option(
    "--active-slots", type=click.IntRange(0), help="So many are taken: leases beyond that are revoked."
)
@click.option("--slot-decay-per-second", type=click.FloatRange(0), help="A rate: slots freed a second.")
def update(*, name: str, enable: bool, disable: bool, **given: Any) -> None:
    """Change a limit."""
    if enable and disable:
        fail("Expected --enable or --disable, got both. Leave one out.")
    changes = {field: value for field, value in given.items() if value is not None}
    if enable or disable:
        changes["active"] = enable
    if not changes:
        fail("Expected something to change, got nothing. Give an option such as --limit.")
    _change(name, **changes)
    click.echo(f"Changed the limit {name!r}.")


@global_concurrency_limit.command("enable")
@argument("name")
def enable(name: str) -> None:
    """Hold askers to a limit."""
    _change(name, active=True)
    click.echo(f"The limit {name!r} is enabled.")


@global_concurrency_limit.command("disable")
@argument("name")
def disable(name: str) -> None:
    """Let everybody pass a limit."""
    _change(name, active=False)
    click.echo(f"The limit {name!r} is disabled.")


@global_concurrency_limit.command("delete")
@argument("name")
def delete(name: str) -> None:
    """Remove a limit; whoever holds slots of it goes on."""
    with asking(_missing(name)) as client:
        client.read_global_concurrency_limit_by_name(name)
        confirm(f"Delete the limit {name!r}?")
        client.delete_global_concurrency_limit_by_name(name)
    click.echo(f"Deleted the limit {name!r}.")


def _change(name: str, **changes: Any) -> None:
    from prefect.model.requests.concurrency import GlobalConcurrencyLimitUpdate  # for what is written only

    with asking(_missing(name)) as client:
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(**changes))


def _print(limits: list[GlobalConcurrencyLimitResponse]) -> None:
    rows = [
        [
            one.name,
            "yes" if one.active else "no",
            str(one.limit),
            str(one.active_slots),
            f"{one.slot_decay_per_second:g}",
            format_time(one.created),
        ]
        for one in limits
    ]
    columns = ["Name", "Enabled", "Limit", "Active slots", "Decay per second", "Created"]
    print_table(columns, rows, title="Limits")


def _missing(name: str) -> str:
    return f"Expected the name of a limit, got {name!r}: `prefect global-concurrency-limit ls` lists them."
