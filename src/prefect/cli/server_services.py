"""`prefect server services`: what the server does by itself, also without the API."""

from __future__ import annotations

import click

from prefect._base.settings.table import BY_PATH
from prefect.cli._command import Group
from prefect.cli._output import fail, output_option, print_json, print_table
from prefect.server import background
from prefect.server.run_services import ABOUT, is_on, run_services
from prefect.settings import get_current_settings

_STOP_SECONDS = 30


@click.group("services", cls=Group, aliases={"list": "ls", "enable": "start", "disable": "stop"})
def services() -> None:
    """See the background services, and run them without the API."""


@services.command("ls")
@output_option
def ls(output: str | None) -> None:
    """List the services, whether they are on, and the settings that say so."""
    settings = get_current_settings()
    listed = [
        {
            "name": name,
            "enabled": is_on(name, settings),
            "environment_variable": BY_PATH[path].env if path else None,
            "description": about,
        }
        for name, (path, about) in ABOUT.items()
    ]
    if output:
        print_json(listed)
        return
    rows = [
        [
            str(one["name"]),
            ("on", "green") if one["enabled"] else ("off", "red"),
            str(one["environment_variable"] or ""),
            str(one["description"]),
        ]
        for one in listed
    ]
    print_table(["Name", "State", "Setting", "What it does"], rows, title="Services")


@services.command("start")
@click.option(
    "--background/--no-background", "-b", "in_background", default=False, help="Return once they run."
)
def start(in_background: bool) -> None:
    """Run the services in a process of their own: `prefect server start --no-services` leaves them to it."""
    if in_background:
        running = background.start("services")
        click.echo(f"The services run in the background (pid {running.pid}).")
        click.echo(
            f"Their log is {background.log_file('services')}. Stop them with: prefect server services stop"
        )
    else:
        run_services(lambda: click.echo("The services run. Stop them with Ctrl-C, or SIGTERM."))


@services.command("stop")
def stop() -> None:
    """Stop the services that run in the background."""
    running = background.Running.find("services")
    if running is None:
        click.echo("No services run in the background.")
    elif running.stop(_STOP_SECONDS):
        click.echo("Stopped the services.")
    else:
        fail(
            f"The services (pid {running.pid}) go on after {_STOP_SECONDS} s. End them: kill -9 {running.pid}"
        )
