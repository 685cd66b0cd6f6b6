"""`prefect config`: see what is in force and why, and change the active profile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from prefect._base.settings.kinds import to_text
from prefect._base.settings.table import BY_ENV, TABLE, SettingsError, closest_hint, find
from prefect.cli._command import Group, argument
from prefect.cli._output import confirm, fail, output_option, print_json
from prefect.cli._session import current_session
from prefect.exceptions import ProfileSettingsValidationError
from prefect.settings.profiles import load_profile, update_profile

if TYPE_CHECKING:
    from prefect._base.settings.kinds import Spec
    from prefect._base.settings.settings import Settings

HIDDEN = "********"


@click.group("config", cls=Group)
def config() -> None:
    """View and change settings."""


@config.command("view")
@click.option("--show-defaults/--hide-defaults", default=False, help="Also what nothing sets.")
@click.option("--show-sources/--hide-sources", default=True, help="Say where each value comes from.")
@click.option("--show-secrets/--hide-secrets", default=False, help="Print passwords and tokens.")
@output_option
@click.pass_context
def view(
    ctx: click.Context, show_defaults: bool, show_sources: bool, show_secrets: bool, output: str | None
) -> None:
    """Show the settings in force."""
    settings = current_session().activate(ctx)
    rows = _rows(settings, show_defaults=show_defaults, show_secrets=show_secrets)
    if output:
        keys = ("name", "value", "source") if show_sources else ("name", "value")
        listed = [{key: row[key] for key in keys} for row in rows]
        link = {"ui_url": settings.ui_url} if settings.ui_url else {}
        print_json({"profile": current_session().profile, "settings": listed, **link})
        return
    if settings.ui_url:
        click.echo(f"You are connected to: {settings.ui_url}")
    click.echo(f"PREFECT_PROFILE='{current_session().profile}'")
    for row in rows:
        click.echo(f"{row['name']}='{row['value']}'" + (f" (from {row['source']})" if show_sources else ""))


def _rows(settings: Settings, *, show_defaults: bool, show_secrets: bool) -> list[dict[str, str]]:
    assigned = settings.assignments
    return [
        {
            "name": spec.env,
            "value": _shown(spec, settings.values[spec.path], show_secrets=show_secrets),
            "source": assigned[spec.path].source if spec.path in assigned else "defaults",
        }
        for spec in sorted(TABLE, key=lambda spec: spec.env)
        if show_defaults or spec.path in assigned
    ]


def _shown(spec: Spec, value: Any, *, show_secrets: bool) -> str:
    return HIDDEN if spec.secret and not show_secrets else to_text(value)


@config.command("set")
@argument("settings", nargs=-1, required=True, metavar="NAME=VALUE...")
def set_(settings: tuple[str, ...]) -> None:
    """Set settings in the profile."""
    profile = current_session().profile
    changes = dict(_parse_change(setting) for setting in settings)
    update_profile(profile, changes)
    for name, value in changes.items():
        click.echo(f"Set '{name}' to '{_shown(find(name), value, show_secrets=False)}'.")
        _note_environment(name)
    click.echo(f"Updated profile '{profile}'.")


def _parse_change(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        fail(f"Expected NAME=VALUE, got {text!r}. Write for instance PREFECT_LOGGING_LEVEL=DEBUG.")
    spec = _find(name)
    if spec.path in ("home", "profiles_path"):
        fail(f"'{spec.env}' says where profiles are, so it cannot be in one. Set it in the environment.")
    try:
        spec.kind.parse(value)
    except (ValueError, TypeError):
        fail(f"Expected {spec.env} to be {spec.kind.expects}, got {value!r}. Nothing was changed.")
    return (name if name in BY_ENV else spec.env), value


def _find(name: str) -> Spec:
    try:
        return find(name)
    except SettingsError:
        fail(f"Unknown setting name {name!r}. {closest_hint(name)}")


def _note_environment(name: str) -> None:
    spec = find(name)
    for variable in (spec.env, spec.alias):
        if variable and variable in os.environ:
            click.echo(
                f"{variable} is also set by an environment variable, which overrides the profile. "
                f"Run `unset {variable}` to clear it."
            )


@config.command("unset")
@argument("setting_names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes/--no-yes", "-y", default=False, help="Do not ask.")
def unset(setting_names: tuple[str, ...], yes: bool) -> None:
    """Remove settings from the profile."""
    session = current_session()
    profile = load_profile(session.profile)
    stored = {setting.name: setting for setting in profile.settings}
    changes: dict[str, None] = {}
    for name in setting_names:
        key = (
            name
            if name in stored
            else next((n for n, s in stored.items() if s.name == _find(name).env), None)
        )
        if key is None:
            fail(f"Expected a setting of profile '{profile.name}', got '{name}', which is not set there.")
        changes[key] = None
    if not yes:
        confirm(f"Unset {', '.join(changes)} in profile '{profile.name}'?")
    update_profile(profile.name, changes)
    for name in changes:
        click.echo(f"Unset '{name}'.")
        if name in BY_ENV:
            _note_environment(name)
    click.echo(f"Updated profile '{profile.name}'.")


@config.command("validate")
@click.pass_context
def validate(ctx: click.Context) -> None:
    """Check the profile, and all other sources of settings."""
    session = current_session()
    profile = load_profile(session.profile)
    problems: list[str] = []
    try:
        profile.validate_settings()
    except ProfileSettingsValidationError as error:
        problems += [str(mistake) for _, mistake in error.errors]
    try:
        session.activate(ctx)
    except SettingsError as error:
        problems += [line for line in str(error).splitlines() if line not in problems]
    problems += [
        f"{name} in the environment is no setting: did you mean {guess}?" for name, guess in _misspelt()
    ]
    if problems:
        fail("\n".join(problems))
    click.echo("Configuration valid!")


def _misspelt() -> list[tuple[str, str]]:
    from prefect._base.settings.unknown import misspelt  # only `config validate` looks for them

    return misspelt(os.environ)
