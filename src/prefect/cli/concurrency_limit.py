"""`prefect concurrency-limit`: how many task runs with a tag run at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, pages
from prefect.cli._output import format_time, output_option, print_json, print_table

if TYPE_CHECKING:
    from prefect.model.concurrency import ConcurrencyLimit


@click.group("concurrency-limit", cls=Group)
def concurrency_limit() -> None:
    """Limit how many task runs with a tag run at once."""


@concurrency_limit.command("create")
@argument("tag")
@argument("concurrency-limit", type=click.IntRange(0))
def create(tag: str, concurrency_limit: int) -> None:
    """Limit a tag, or change its limit."""
    with asking() as client:
        client.create_concurrency_limit(tag, concurrency_limit)
    click.echo(f"At most {concurrency_limit} task runs with the tag {tag!r} run at once.")


@concurrency_limit.command("inspect")
@argument("tag")
@output_option
def inspect(tag: str, output: str | None) -> None:
    """Show a tag's limit, and the task runs that hold its slots."""
    with asking(_missing(tag)) as client:
        one = client.read_concurrency_limit_by_tag(tag)
    if output:
        print_json(as_json([one])[0])
        return
    _print([one])
    for task_run_id in one.active_slots:
        click.echo(f"Slot held by task run {task_run_id}")


@concurrency_limit.command("ls")
@click.option("--limit", type=click.IntRange(1), default=15, show_default=True, help="How many at most.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many at the beginning.")
@output_option
def ls(limit: int, offset: int, output: str | None) -> None:
    """List the limits of tags."""
    with asking() as client:
        found = pages(lambda n, behind: client.read_concurrency_limits(n, offset + behind), limit)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("No tag is limited.")
    else:
        _print(found)


@concurrency_limit.command("reset")
@argument("tag")
def reset(tag: str) -> None:
    """Free all slots of a tag, whoever holds them."""
    with asking(_missing(tag)) as client:
        client.reset_concurrency_limit_by_tag(tag)
    click.echo(f"All slots of the tag {tag!r} are free.")


@concurrency_limit.command("delete")
@argument("tag")
def delete(tag: str) -> None:
    """Remove the limit of a tag."""
    with asking(_missing(tag)) as client:
        client.delete_concurrency_limit_by_tag(tag)
    click.echo(f"The tag {tag!r} is not limited any more.")


def _print(limits: list[ConcurrencyLimit]) -> None:
    rows = [
        [one.tag, str(one.concurrency_limit), str(len(one.active_slots)), format_time(one.created)]
        for one in limits
    ]
    print_table(["Tag", "Limit", "Active", "Created"], rows, title="Limits of tags")


def _missing(tag: str) -> str:
    return f"Expected a tag that is limited, got {tag!r}: `prefect concurrency-limit ls` lists them."
