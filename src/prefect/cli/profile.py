"""`prefect profile`: keep sets of settings, and switch between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prefect._base.settings.profiles import BUILT_IN, DEFAULT_PROFILE
from prefect.cli._command import Group, argument
from prefect.cli._output import confirm, fail, output_option, print_json, print_table
from prefect.cli._session import current_session
from prefect.exceptions import MissingProfileError
from prefect.settings.context import use_profile
from prefect.settings.profile import Profile
from prefect.settings.profiles import load_profiles, profiles_file, save_profiles

if TYPE_CHECKING:
    from prefect._base.settings.settings import Settings
    from prefect.settings.profile import ProfilesCollection

HIDDEN = "********"


@click.group("profile", cls=Group)
def profile() -> None:
    """Keep and switch sets of settings."""


@profile.command("ls")
@output_option
def ls(output: str | None) -> None:
    """List profiles; the active one is marked."""
    profiles = load_profiles()
    active = _active()
    if output:
        print_json([{"name": name, "active": name == active} for name in profiles])
        return
    rows = [
        ([("*", "green"), (name, "green")] if name == active else ["", name]) + [", ".join(_names(found))]
        for name, found in profiles.items()
    ]
    print_table(["Active", "Profile", "Settings"], rows, title="Available profiles")


def _active() -> str | None:
    try:
        return current_session().profile
    except MissingProfileError:  # which must not hinder repairs
        return None


def _names(found: Profile) -> list[str]:
    return [setting.name for setting in found.settings]


@profile.command("create")
@argument("name")
@click.option("--from", "from_name", metavar="NAME", help="Copy the settings of this profile.")
def create(name: str, from_name: str | None) -> None:
    """Create a profile."""
    profiles = load_profiles()
    if name in profiles.names:
        fail(f"Profile '{name}' already exists. Choose another name, or run: prefect profile delete '{name}'")
    settings = _existing(profiles, from_name).settings if from_name is not None else {}
    profiles.add_profile(Profile(name, settings))
    save_profiles(profiles)
    click.echo(f"Created profile '{name}'" + (f" from '{from_name}'." if from_name else "."))
    click.echo(f"Use it from now on:      prefect profile use '{name}'")
    click.echo(f"Use it for one command:  prefect -p '{name}' config view")


def _existing(profiles: ProfilesCollection, name: str) -> Profile:
    if name not in profiles.names:
        fail(f"Profile '{name}' not found. Known profiles: {', '.join(sorted(profiles))}.")
    return profiles[name]


@profile.command("use")
@argument("name")
@click.pass_context
def use(ctx: click.Context, name: str) -> None:
    """Make a profile the active one, and say what runs will reach."""
    profiles = load_profiles()
    _existing(profiles, name)
    settings = ctx.with_resource(use_profile(name, include_current_context=False)).settings
    profiles.set_active(name)
    save_profiles(profiles)
    if settings.api.url is None:
        click.echo(
            f"Profile '{name}' is active. It names no server: runs are recorded in {_store(settings)}."
        )
        return
    problem = _reach(settings)
    if problem:
        fail(
            f"Profile '{name}' is active, but the server at {settings.api.url} cannot be reached: {problem}."
        )
    click.echo(f"Profile '{name}' is active. The server at {settings.api.url} answers.")


def _store(settings: Settings) -> str:
    url = str(settings.server.database.connection_url)
    return url.rpartition("@")[2]  # without the password


def _reach(settings: Settings) -> str | None:
    """Why the server does not answer; None if it does."""
    from urllib.request import Request, urlopen  # 25 ms of import, for profiles with a server

    url = str(settings.api.url)
    if not url.startswith(("http://", "https://")):
        return "expected an http:// or https:// URL"
    try:
        with urlopen(Request(f"{url.rstrip('/')}/health"), timeout=3):  # noqa: S310 - checked above
            return None
    except OSError as error:  # URLError and timeouts are of this kind
        return str(getattr(error, "reason", error))


@profile.command("delete")
@argument("name")
def delete(name: str) -> None:
    """Delete a profile."""
    profiles = load_profiles()
    found = _existing(profiles, name)
    if name == _active():
        fail(f"Profile '{name}' is the active profile. Switch to another first: prefect profile use NAME")
    if name in BUILT_IN and found == Profile(name, BUILT_IN[name]):
        fail(f"Profile '{name}' is built in: there is nothing to delete.")
    confirm(f"Delete profile '{name}'?")
    profiles.remove_profile(name)
    save_profiles(profiles)
    click.echo(f"Removed profile '{name}'.")


@profile.command("rename")
@argument("name")
@argument("new_name")
def rename(name: str, new_name: str) -> None:
    """Rename a profile."""
    profiles = load_profiles()
    found = _existing(profiles, name)
    if new_name in profiles.names:
        fail(f"Profile '{new_name}' already exists. Choose another name, or delete that profile first.")
    profiles.add_profile(Profile(new_name, found.settings))
    profiles.remove_profile(name)
    if profiles.active_name == name:
        profiles.set_active(new_name)
    save_profiles(profiles)
    click.echo(f"Renamed profile '{name}' to '{new_name}'.")


@profile.command("inspect")
@argument("name", required=False)
@click.option("--show-secrets/--hide-secrets", default=False, help="Print passwords and tokens.")
@output_option
def inspect(name: str | None, show_secrets: bool, output: str | None) -> None:
    """Show the settings of a profile."""
    found = _existing(load_profiles(), name if name is not None else current_session().profile)
    shown: dict[str, Any] = {
        setting.name: HIDDEN if setting.is_secret and not show_secrets else value
        for setting, value in found.settings.items()
    }
    if output:
        print_json(shown)
    elif not shown:
        click.echo(f"Profile '{found.name}' sets nothing.")
    else:
        for key, value in shown.items():
            click.echo(f"{key}='{value}'")


@profile.command("populate-defaults")
def populate_defaults() -> None:
    """Write the built-in profiles to your profiles file, to change them there."""
    profiles = load_profiles(include_defaults=False)
    missing = [name for name in BUILT_IN if name not in profiles.names]
    if not missing:
        click.echo("No changes needed. All built-in profiles are in your file.")
        return
    confirm(f"Add {', '.join(missing)} to {profiles_file()}?")
    for name in missing:
        profiles.add_profile(Profile(name, BUILT_IN[name]))
    profiles.set_active(profiles.active_name or DEFAULT_PROFILE)
    save_profiles(profiles)
    click.echo(f"Added {', '.join(missing)} to {profiles_file()}.")
