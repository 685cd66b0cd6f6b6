"""`prefect server`: start a server, look at it, stop it."""

from __future__ import annotations

import os
import time
from contextvars import Context
from typing import Any

import click

from prefect.cli._command import Command, Entry, LazyGroup
from prefect.cli._output import fail, output_option, print_json
from prefect.cli._server_url import api_url
from prefect.client._http import manner_of, open_client
from prefect.server import background
from prefect.settings import get_current_settings, temporary_settings
from prefect.settings.context import refresh_global_settings_context

_ENTRIES = {
    "database": Entry("prefect.cli.database:database", "See, upgrade, prune and reset the store of runs."),
    "services": Entry(
        "prefect.cli.server_services:services", "See the background services, and run them without the API."
    ),
    "start": Entry("prefect.cli.server:start", "Serve the API."),
    "status": Entry("prefect.cli.server:status", "Ask the server whether it is there, or wait until it is."),
    "stop": Entry("prefect.cli.server:stop", "Stop the server that runs in the background."),
    "token": Entry("prefect.cli.server_users:token", "Give users tokens."),
    "user": Entry("prefect.cli.server_users:user", "Decide who may ask the server, and for what."),
}
_STOP_SECONDS = 30
_POLL_SECONDS = 0.2
_ASK_SECONDS = 5


@click.group("server", cls=LazyGroup, entries=_ENTRIES)
def server() -> None:
    """Serve the API to flows, people and other machines."""


@click.command("start", cls=Command)
@click.option("--host", metavar="ADDRESS", help="Address to listen on; by default this machine only.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 for any that is free.")
@click.option(
    "--keep-alive-timeout", type=click.IntRange(0), metavar="SECONDS", help="Idle connections close."
)
@click.option("--log-level", metavar="LEVEL", help="DEBUG, INFO, WARNING (the default), ERROR or CRITICAL.")
@click.option("--scheduler/--no-scheduler", default=None, help="Create the runs of schedules.")
@click.option("--late-runs/--no-late-runs", default=None, help="Mark runs that did not start in time.")
@click.option("--analytics-on/--analytics-off", default=None, help="Accepted: nothing is ever sent anywhere.")
@click.option("--ui/--no-ui", default=None, help="Serve the pages for people.")
@click.option("--no-services", is_flag=True, help="Run no background services in this process.")
@click.option(
    "--workers", type=click.IntRange(1), default=1, metavar="N", help="Processes that answer, on Postgres."
)
@click.option("--allow-unauthenticated", is_flag=True, help="Listen for others without asking who they are.")
@click.option(
    "--background/--no-background",
    "-b",
    "in_background",
    default=False,
    help="Return once the server answers.",
)
def start(
    in_background: bool, no_services: bool, allow_unauthenticated: bool, workers: int, **options: Any
) -> None:
    """Serve the API."""
    given: dict[str, Any] = {
        path: options[name] for name, path in _SETTINGS.items() if options[name] is not None
    }
    if allow_unauthenticated:
        given["server.api.allow_unauthenticated"] = True
    with temporary_settings(given):
        os.environ.update(get_current_settings().to_environment_variables(exclude_unset=True))
    if in_background:
        _start_in_background(services=not no_services, workers=workers)
    else:
        Context().run(_serve, services=not no_services, workers=workers)


_SETTINGS = {
    "host": "server.api.host",
    "port": "server.api.port",
    "keep_alive_timeout": "server.api.keepalive_timeout",
    "log_level": "server.logging_level",
    "scheduler": "server.services.scheduler.enabled",
    "late_runs": "server.services.late_runs.enabled",
    "analytics_on": "server.analytics_enabled",
    "ui": "server.ui.enabled",
}


def _serve(*, services: bool, workers: int) -> None:
    """In a context of its own: what the options say holds for every thread of the process."""
    from prefect.server.serve import banner, serve  # 0.4 s of import that other commands do not need

    refresh_global_settings_context()
    if workers == 1:
        serve(lambda url: click.echo(banner(url)), services=services)
    else:
        from prefect.server.workers import serve_workers  # the same

        serve_workers(lambda url: click.echo(banner(url)), workers, services=services)


def _start_in_background(*, services: bool, workers: int) -> None:
    refresh_global_settings_context()
    running = background.start("all" if services else "api", workers)
    click.echo(f"The server runs in the background at {running.url} (pid {running.pid}).")
    click.echo(f"Its log is {background.log_file('server')}. Stop it with: prefect server stop")


@click.command("stop", cls=Command)
def stop() -> None:
    """Stop the server that runs in the background; open requests are finished first."""
    running = background.Running.find()
    if running is None:
        click.echo("No server runs in the background.")
        return
    if not running.stop(_STOP_SECONDS):
        fail(
            f"The server (pid {running.pid}) goes on after {_STOP_SECONDS} s. End it with: kill -9 {running.pid}"
        )
    click.echo(f"Stopped the server at {running.url}.")


@click.command("status", cls=Command)
@click.option("--wait/--no-wait", default=False, help="Wait until it answers.")
@click.option("--timeout", "-t", type=click.IntRange(0), default=0, help="Seconds to wait; 0: for ever.")
@output_option
def status(wait: bool, timeout: int, output: str | None) -> None:
    """Ask the server whether it is there; exit code 1 if it is not."""
    url = api_url()
    until = time.monotonic() + timeout if timeout else float("inf")
    version, error = _ask(url)
    while error and wait and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
        version, error = _ask(url)
    if output:
        found = {"status": "unavailable", "error": error} if error else {"server_version": version}
        print_json({"status": "available", "api_url": url, **found})
        if error:
            raise click.exceptions.Exit(1)
    elif error:
        waited = f" within {timeout} s" if wait else ""
        fail(f"The server at {url} does not answer{waited}: {error}")
    else:
        click.echo(f"The server answers.\n  API      {url}\n  Version  {version}")


def _ask(url: str) -> tuple[str, str]:
    """The server's version, and what is wrong (one of them empty)."""
    import httpx  # 60 ms of import that other commands do not need

    api = get_current_settings().api
    try:
        with (
            temporary_settings({"api.request_timeout": _ASK_SECONDS}),
            open_client(manner_of(url, api.auth_string, api.key), None) as client,
        ):
            answer = client.get("/admin/version")
        answer.raise_for_status()
        return str(answer.json()), ""
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
        return "", str(exc) or type(exc).__name__
