"""`prefect init`: a prefect.yaml to begin with."""

from __future__ import annotations

import click

from prefect.cli import _pairs
from prefect.cli._command import Command
from prefect.cli._output import fail


@click.command("init", cls=Command)
@click.option("--name", metavar="NAME", help="Of the project; the folder's name unless given.")
@click.option(
    "--recipe", metavar="RECIPE", help="How runs get at the code: local, git, docker or docker-git."
)
@click.option(
    "--field", "-f", multiple=True, metavar="NAME=VALUE", help="What the recipe asks for. Repeatable."
)
def init(name: str | None, recipe: str | None, field: tuple[str, ...]) -> None:
    """Begin a project: write a prefect.yaml.

    And a .prefectignore, both into this folder; what is there stays.
    """
    from prefect.deployments.base import initialize_project  # YAML: only for this command

    try:
        made = initialize_project(name, recipe, _pairs.pairs(field, "--field"))
    except ValueError as exc:
        fail(str(exc))
    if made:
        click.echo(f"Created {' and '.join(made)}.")
        click.echo("Write your deployments into prefect.yaml, then: prefect deploy --all")
    else:
        click.echo("There was nothing to create: prefect.yaml and .prefectignore are there.")
