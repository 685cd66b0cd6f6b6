"""`prefect variable`: named JSON values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, shortened
from prefect.cli._output import fail, format_time, output_option, print_json, print_table

if TYPE_CHECKING:
    from prefect.model.objects import Variable


@click.group("variable", cls=Group)
def variable() -> None:
    """Keep values that flows look up by name."""


@variable.command("ls")
@click.option(
    "--limit", type=click.IntRange(1, 200), default=100, show_default=True, help="How many at most."
)
@output_option
def ls(limit: int, output: str | None) -> None:
    """List variables, by name."""
    with asking() as client:
        found = client.read_variables(limit=limit)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no variables yet.")
    else:
        rows = [
            [one.name, shortened(json.dumps(one.value)), format_time(one.created), format_time(one.updated)]
            for one in found
        ]
        print_table(["Name", "Value", "Created", "Updated"], rows, title="Variables")


@variable.command("inspect")
@argument("name")
@output_option
def inspect(name: str, output: str | None) -> None:
    """Show a variable with its tags and times."""
    one = _read(name)
    if output:
        print_json(as_json([one])[0])
        return
    shown = {
        "Name": one.name,
        "Value": json.dumps(one.value, indent=2),
        "Tags": ", ".join(one.tags),
        "Created": format_time(one.created),
        "Updated": format_time(one.updated),
        "ID": one.id,
    }
    for label, value in shown.items():
        click.echo(f"{label:8} {value}".rstrip())


@variable.command("get")
@argument("name")
def get(name: str) -> None:
    """Print the value: a text as it is, anything else as JSON."""
    value = _read(name).value
    click.echo(value if isinstance(value, str) else json.dumps(value))


@variable.command("set")
@argument("name")
@argument("value")
@click.option("--overwrite/--no-overwrite", default=False, help="Replace the value that the name has.")
@click.option("--tag", multiple=True, metavar="TAG", help="A tag of it from now on. Repeatable.")
def set_(name: str, value: str, overwrite: bool, tag: tuple[str, ...]) -> None:
    """Keep a value: JSON, or else the text as it is."""
    from pydantic import ValidationError  # its models are for what is written only

    from prefect.variables import Variable as Wanted  # as above

    try:
        Wanted.set(name, _json_or_text(value), tags=list(tag), overwrite=overwrite)
    except ValidationError as exc:
        fail(f"Expected a variable, got something else: {exc.errors()[0]['msg']}.")
    except ValueError:
        fail(f"Variable {name!r} has a value. Use --overwrite to replace it.")
    click.echo(f"Set variable {name!r}.")


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _unset(name: str) -> None:
    with asking(_missing(name)) as client:
        client.delete_variable_by_name(name)
    click.echo(f"Unset variable {name!r}.")


@variable.command("unset")
@argument("name")
def unset(name: str) -> None:
    """Delete a variable."""
    _unset(name)


@variable.command("delete")
@argument("name")
def delete(name: str) -> None:
    """Delete a variable: another name of `unset`."""
    _unset(name)


def _read(name: str) -> Variable:
    with asking() as client:
        found = client.read_variable_by_name(name)
    return found or fail(_missing(name))


def _missing(name: str) -> str:
    return f"Expected the name of a variable, got {name!r}: `prefect variable ls` lists them."
