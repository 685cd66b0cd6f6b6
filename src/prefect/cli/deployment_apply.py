"""`prefect deployment apply`: register all deployments of a file."""

from __future__ import annotations

from pathlib import Path

import click

from prefect.cli._command import argument
from prefect.cli._output import fail


@click.command("apply")
@argument("file", required=False, default="prefect.yaml")
def apply(file: str) -> None:
    """Create or update the deployments of a prefect.yaml: the same as `prefect deploy --all --prefect-file FILE`."""
    from prefect.cli.deploy import register  # YAML and the engine: only for commands that register
    from prefect.deployments._project import read_project

    path = Path(file)
    if not path.is_file():
        fail(f"Expected a project file, found none at {path.absolute()}. Make one: prefect init")
    project = read_project(path)
    register(project, project.named() or fail(f"Expected deployments in {path}, found none."))
