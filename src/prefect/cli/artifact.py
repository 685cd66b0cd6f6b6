"""`prefect artifact`: what runs have made for people to see."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import click

from prefect.cli._command import Group, argument
from prefect.cli._objects import as_json, asking, pages, shortened
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table

_EVERY = 10_000


@click.group("artifact", cls=Group)
def artifact() -> None:
    """See and delete artifacts."""


@artifact.command("ls")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@click.option("--all/--no-all", "-a", default=False, help="Every version, not only the latest of each key.")
@output_option
def ls(limit: int, all: bool, output: str | None) -> None:
    """List the latest artifact of each key, or every one; the newest first."""
    from prefect.model.requests.artifacts import ArtifactCollectionSort, ArtifactSort  # for this command only

    with asking() as client:
        if all:
            sort = ArtifactSort.ID_DESC
            found = pages(lambda n, behind: client.read_artifacts(sort=sort, limit=n, offset=behind), limit)
        else:
            latest = ArtifactCollectionSort.UPDATED_DESC
            found = pages(
                lambda n, behind: client.read_latest_artifacts(sort=latest, limit=n, offset=behind), limit
            )
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no artifacts yet.")
    else:
        _print(found)


@artifact.command("inspect")
@argument("key")
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="How many at most.")
@output_option
def inspect(key: str, limit: int, output: str | None) -> None:
    """Show the versions of a key, the newest first."""
    found = _of_key(key, limit)
    if output:
        print_json(as_json(found))
        return
    for one in found:
        shown = {
            "ID": one.id,
            "Key": one.key,
            "Type": one.type or "",
            "Description": one.description or "",
            "Flow run": one.flow_run_id or "",
            "Task run": one.task_run_id or "",
            "Created": format_time(one.created),
            "Data": one.data,
        }
        for label, value in shown.items():
            click.echo(f"{label:12} {value}".rstrip())
        click.echo()


@artifact.command("delete")
@argument("key", required=False)
@click.option("--id", "artifact_id", type=click.UUID, help="Only this one.")
def delete(key: str | None, artifact_id: UUID | None) -> None:
    """Delete all versions of a key, or one artifact by its id."""
    if (key is None) == (artifact_id is None):
        fail("Expected a key or --id, got both or none. Give one of them.")
    if artifact_id is not None:
        with asking(f"Expected the id of an artifact, got {artifact_id}.") as client:
            client.delete_artifact(artifact_id)
        click.echo(f"Deleted artifact {artifact_id}.")
        return
    assert key is not None
    found = _of_key(key, _EVERY)
    confirm(f"Delete all {len(found)} artifacts of the key {key!r}?")
    with asking() as client:
        for one in found:
            client.delete_artifact(one.id)
    click.echo(f"Deleted {len(found)} artifacts of the key {key!r}.")


def _of_key(key: str, limit: int) -> list[Any]:
    from prefect.model.requests.artifacts import ArtifactFilter, ArtifactFilterKey  # for what is sent only

    of_key = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
    with asking() as client:
        found = pages(
            lambda n, behind: client.read_artifacts(artifact_filter=of_key, limit=n, offset=behind), limit
        )
    return found or fail(f"Expected the key of an artifact, got {key!r}: `prefect artifact ls` lists them.")


def _print(found: list[Any]) -> None:
    rows = [
        [
            str(getattr(one, "latest_id", one.id)),
            one.key or "",
            one.type or "",
            shortened(one.description or ""),
            format_time(one.updated),
        ]
        for one in found
    ]
    print_table(["ID", "Key", "Type", "Description", "Updated"], rows, title="Artifacts")
