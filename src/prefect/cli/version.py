"""`prefect version`: which distribution this is, and what it runs on."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any, cast

import click

from prefect._version import PLUPERFECT_VERSION, __version__
from prefect.cli._command import Command
from prefect.cli._output import output_option, print_json
from prefect.settings import get_current_settings
from prefect.settings.in_force import in_force


@click.command("version", cls=Command)
@click.option("--omit-integrations/--no-omit-integrations", help="Leave out installed `prefect-…` packages.")
@output_option
def version(omit_integrations: bool, output: str | None) -> None:
    """Show the version, and what it runs on."""
    facts = _facts()
    if not omit_integrations:
        facts["integrations"] = _integrations()
    if output:
        print_json(facts)
    else:
        _print(facts)


def _facts() -> dict[str, Any]:
    url = get_current_settings().api.url
    return {
        "version": __version__,
        "distribution": f"Pluperfect {PLUPERFECT_VERSION}",
        "python_version": platform.python_version(),
        "os_arch": f"{sys.platform}/{platform.machine()}",
        "profile": in_force().profile,
        "server_type": "server" if url else "embedded",
        **({"api_url": url} if url else {"database": _database()}),
    }


def _database() -> dict[str, str]:
    url = str(get_current_settings().server.database.connection_url)
    kind = url.partition(":")[0].partition("+")[0]
    if kind != "sqlite":
        return {"type": kind}
    import sqlite3  # 5 ms of import, for its version

    return {
        "type": kind,
        "sqlite_version": sqlite3.sqlite_version,
        "file": url.partition(":///")[2] or ":memory:",
    }


def _integrations() -> dict[str, str]:
    """Name and version of each, from folder names: to read the metadata of all packages takes 100 ms."""
    found = {path.name for entry in sys.path for path in Path(entry or ".").glob("prefect_*-*.dist-info")}
    pairs = (name.removesuffix(".dist-info").split("-")[:2] for name in sorted(found))
    return {name.replace("_", "-"): number for name, number in pairs}


_LABELS = {
    "version": "Version",
    "distribution": "Distribution",
    "python_version": "Python version",
    "os_arch": "OS/Arch",
    "profile": "Profile",
    "server_type": "Server type",
    "api_url": "API URL",
    "database": "Database",
    "type": "Type",
    "sqlite_version": "SQLite version",
    "file": "File",
    "integrations": "Integrations",
}


def _print(facts: dict[str, Any], indent: str = "") -> None:
    for key, value in facts.items():
        label = f"{indent}{_LABELS.get(key, key)}:"
        if not isinstance(value, dict):
            click.echo(f"{label:<22}{value}")
        elif value:
            click.echo(label)
            _print(cast("dict[str, Any]", value), indent + "  ")
