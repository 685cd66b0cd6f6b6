"""`prefect server database copy`: from one store to another, such as from a SQLite file to Postgres."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prefect._backend.reaper import reap
from prefect._storage import processes
from prefect._storage.copy import copy_store
from prefect._storage.opening import is_postgres, open_store, sqlite_path
from prefect._storage.sqlite import MEMORY
from prefect.cli._command import Command
from prefect.cli._output import confirm, fail
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._storage.protocol import Store


@click.command("copy", cls=Command)
@click.option("--from", "source_url", metavar="URL", help="What is copied; by default the store in force.")
@click.option("--to", "target_url", metavar="URL", required=True, help="Where to; it must be empty.")
@click.option("--replace", is_flag=True, help="Delete what the other store has.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before --replace deletes something.")
def copy(source_url: str | None, target_url: str, replace: bool, yes: bool) -> None:
    """Copy everything in a store to another one, all of it or nothing, and count it there."""
    settings = get_current_settings().server.database
    source_url = source_url or str(settings.connection_url)
    _require_two_files(source_url, target_url)
    with (
        closing(open_store(source_url, settings)) as source,
        closing(open_store(target_url, settings, migrate_on_start=True)) as target,
    ):
        if source.name == target.name:
            fail(f"Expected two stores, got {source.name} twice.")
        for store in (source, target):
            _require_nobody(store)
        if replace and not yes:
            confirm(f"Delete what {target.name} has?")
        counts = copy_store(source, target, replace=replace, progress=_show)
        click.echo(f"Copied {sum(counts.values()):,} rows to {target.name}, and counted them there:")
    for table, count in counts.items():
        if count:
            click.echo(f"  {click.style(table.ljust(18), dim=True)}{count:>12,}")


def _require_two_files(source_url: str, target_url: str) -> None:
    for url in (source_url, target_url):
        if not is_postgres(url) and sqlite_path(url) == MEMORY:
            fail("A store in memory ends with this command. Name a file, or a Postgres database.")
    if not is_postgres(source_url) and not Path(sqlite_path(source_url)).exists():
        fail(f"There is no store at {sqlite_path(source_url)}.")


def _require_nobody(store: Store) -> None:
    """What a process writes from here on would not be copied, or be deleted."""
    reap(store, None)
    alive = processes.others(store, None)
    if alive:
        who = ", ".join(f"pid {process.pid} on {process.host}" for process in alive[:5])
        fail(f"The store {store.name} is in use by {who}. End it, or let its runs end, before it is copied.")


def _show(table: str, done: int, total: int) -> None:
    if done < total:
        click.echo(f"{table}: {done:,} of {total:,}", err=True)
