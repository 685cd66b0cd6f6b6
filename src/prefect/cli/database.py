"""`prefect database`: the store that runs are recorded in."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prefect._backend.reaper import reap
from prefect._backend.resolve import close, retention_policy
from prefect._backend.retention import Policy, prune
from prefect._base.clock import now_us, to_datetime
from prefect._storage import migrate, processes, pruning
from prefect._storage.opening import is_postgres, open_store, sqlite_path
from prefect._storage.sqlite import MEMORY, SqliteStore
from prefect._storage.statistics import statistics
from prefect.cli._command import Group
from prefect.cli._output import confirm, fail, format_time, output_option, print_json
from prefect.cli._session import current_session
from prefect.cli.server_database import copy
from prefect.exceptions import StoreError
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect._storage.postgres import PostgresStore
    from prefect._storage.protocol import Store
    from prefect._storage.statistics import Statistics

_DAY = 86_400_000_000
_SIDE_FILES = ("", "-wal", "-shm")


@click.group("database", cls=Group)
def database() -> None:
    """See, upgrade, prune and reset the store of runs."""


database.add_command(copy)


@database.command("stats")
@click.option("--check", is_flag=True, help="Read the whole file and check that it is sound.")
@output_option
def stats(check: bool, output: str | None) -> None:
    """Show what the store holds, how large it is, and what retention would delete."""
    with _store(any_version=True) as store:
        found = statistics(store)
        problems = _problems(store) if check else None
        due = _due(store, found)
    if output:
        print_json(_as_json(found, due, problems))
    else:
        _print(found, due, problems)
    if problems:
        fail("The file is damaged. Copy it, then try `sqlite3 FILE .recover`, or move it away.")


def _problems(store: SqliteStore | PostgresStore) -> list[str]:
    if not isinstance(store, SqliteStore):
        fail(
            "Expected a SQLite file for --check, got a Postgres database: check that with its own pg_amcheck."
        )
    return store.problems()


def _due(store: Store, found: Statistics) -> int | None:
    """How many runs (with all below them) are older than is kept; None where age does not matter."""
    days = retention_policy(get_current_settings()).days
    if not days or found.schema_version == 0:
        return None
    return pruning.count_ended_roots(store, now_us() - days * _DAY)


def _as_json(found: Statistics, due: int | None, problems: list[str] | None) -> dict[str, Any]:
    policy = retention_policy(get_current_settings())
    return {
        **found._asdict(),
        "newest_schema_version": migrate.newest(),
        "oldest_run": _iso(found.oldest_run),
        "newest_run": _iso(found.newest_run),
        "retention": {"days": policy.days, "max_bytes": policy.max_bytes, "flow_runs_due": due},
        **({} if problems is None else {"problems": problems}),
    }


def _iso(moment: int | None) -> str | None:
    return to_datetime(moment).isoformat() if moment is not None else None


def _print(found: Statistics, due: int | None, problems: list[str] | None) -> None:
    policy = retention_policy(get_current_settings())
    is_newest = found.schema_version == migrate.newest()
    newest = "the newest" if is_newest else f"this package's is {migrate.newest()}"
    lines: list[tuple[str, str]] = [
        ("Store", found.store),
        ("Size", f"{_bytes(found.bytes)}, of which {_bytes(found.free_bytes)} free for new rows"),
        ("WAL", _bytes(found.wal_bytes)),
        ("Schema", f"version {found.schema_version} ({newest})"),
        ("Database", found.database),
        ("Oldest run", format_time(found.oldest_run) or "none"),
        ("Newest run", format_time(found.newest_run) or "none"),
        (
            "Per task run",
            f"{found.bytes_per_task_run:,} bytes, all tables" if found.bytes_per_task_run else "-",
        ),
        ("Kept", _kept(policy, due)),
    ]
    if problems is not None:
        lines.append(("Check", "; ".join(problems) or "sound"))
    for label, value in lines:
        click.echo(f"{click.style(label.ljust(14), dim=True)}{value}")
    click.echo("Rows")
    for table, count in found.rows.items():
        click.echo(f"  {click.style(table.ljust(18), dim=True)}{count:>12,}")


def _kept(policy: Policy, due: int | None) -> str:
    age = f"{policy.days} days after their end" if policy.days else "for ever"
    size = f", {_bytes(policy.max_bytes)} at most" if policy.max_bytes else ""
    return f"runs {age}{size}" + (f"; {due:,} flow runs are older" if due is not None else "")


def _bytes(count: int) -> str:
    size, unit = float(count), "bytes"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


@database.command("upgrade")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--revision", "-r", default="head", help="Only `head`, the newest, is known.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def upgrade(yes: bool, revision: str, dry_run: bool) -> None:
    """Bring the store to this package's schema version."""
    if revision != "head":
        fail(f"Expected --revision head, got {revision!r}: a store is always brought to the newest version.")
    url = _url()
    version = _version_of(url) or 0
    steps = [step for step in migrate.migrations() if step.version > version]
    for step in steps:
        click.echo(f"{'Would apply' if dry_run else 'To apply'}: {step.version:03d} {step.name}")
    if dry_run:
        return
    if steps and not yes:
        confirm(f"Upgrade {_shown(url)} from version {version} to {migrate.newest()}?")
    with _opened(url, any_version=True) as store:
        store.upgrade()
    click.echo(f"The store {_shown(url)} is at schema version {migrate.newest()}.")


def _version_of(url: str) -> int | None:
    """The schema version of the store of a URL; None where there is none."""
    if not is_postgres(url) and not Path(sqlite_path(url)).exists():
        return None
    with _opened(url, any_version=True) as store:
        version = store.version()
    return None if is_postgres(url) and version == 0 else version


@database.command("prune")
@click.option(
    "--older-than", type=click.IntRange(0), metavar="DAYS", help="Instead of the retention setting."
)
@click.option(
    "--vacuum", is_flag=True, help="Then make the file smaller (rewrites it: needs its size in free space)."
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def prune_(older_than: int | None, vacuum: bool, yes: bool) -> None:
    """Delete ended flow runs that are older than is kept, and the oldest while the store is too large."""
    policy = retention_policy(get_current_settings())
    with _store() as store:
        before = None if older_than is None else now_us() - older_than * _DAY
        count = pruning.count_ended_roots(store, before) if before is not None else 0
        if count and not yes:
            confirm(f"Delete {count:,} flow runs that ended over {older_than} days ago, and all below them?")
        deleted = prune(store, policy, before=before)
        rows = f"{deleted.task_runs:,} task runs and {deleted.logs:,} log lines"
        click.echo(f"Deleted {deleted.flow_runs:,} flow runs, {rows}.")
        size = store.size().total
        if vacuum:
            store.vacuum()
            click.echo(f"The store has {_bytes(store.size().total)} now, and had {_bytes(size)}.")
        elif any(deleted):
            click.echo(
                "Their space is used for new rows. To make the store smaller: prefect database prune --vacuum"
            )


@database.command("reset")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Delete the store with everything in it, and make an empty one."""
    url = _url()
    _require_nobody(url)
    if not yes:
        if not current_session().may_ask():
            fail(f"This deletes everything in {_shown(url)}, and nobody can be asked. Add --yes.")
        click.confirm(f"Delete everything in {_shown(url)}?", abort=True)
    close()
    _erase(url)
    with _opened(url, any_version=True) as store:
        store.upgrade()
    click.echo(f"The store {_shown(url)} is empty.")


def _erase(url: str) -> None:
    if is_postgres(url):
        with _opened(url, any_version=True) as store:
            assert not isinstance(store, SqliteStore)
            store.erase()
        return
    for suffix in _SIDE_FILES:
        Path(sqlite_path(url) + suffix).unlink(missing_ok=True)


def _require_nobody(url: str) -> None:
    """Refuse while a process executes runs. A file that cannot be read is nobody's."""
    if not is_postgres(url) and not Path(sqlite_path(url)).exists():
        return
    try:
        with _opened(url, any_version=True) as store:
            if store.version() != migrate.newest():
                return
            reap(store, None)
            alive = processes.others(store, None)
    except StoreError:
        return
    if alive:
        who = ", ".join(f"pid {process.pid} on {process.host}" for process in alive[:5])
        fail(f"The store is in use by {who}. End it, or cancel its runs, before the store is reset.")


def _url() -> str:
    url = str(get_current_settings().server.database.connection_url)
    if not is_postgres(url) and sqlite_path(url) == MEMORY:
        fail("The store is in memory: it is empty, and ends with this command.")
    return url


def _shown(url: str) -> str:
    """What people call the store of a URL, whether it can be opened or not."""
    if not is_postgres(url):
        return sqlite_path(url)
    from prefect._storage.postgres_url import shown_url  # 60 ms of import (psycopg), and an optional package

    return shown_url(url)


@contextmanager
def _opened(url: str, *, any_version: bool) -> Generator[SqliteStore | PostgresStore, None, None]:
    with closing(open_store(url, get_current_settings().server.database, any_version=any_version)) as store:
        yield store


@contextmanager
def _store(*, any_version: bool = False) -> Generator[SqliteStore | PostgresStore, None, None]:
    """The store that is there; where there is none, none is made."""
    url = _url()
    if _version_of(url) is None:
        fail(f"There is no store at {_shown(url)} yet. The first run makes it, or: prefect database upgrade")
    with _opened(url, any_version=any_version) as store:
        yield store
