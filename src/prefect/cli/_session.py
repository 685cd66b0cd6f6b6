"""What the global options of one command line say."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

import click

from prefect._base.tty import wants_colors
from prefect.settings import get_current_settings
from prefect.settings.context import use_profile
from prefect.settings.in_force import in_force, is_loaded

if TYPE_CHECKING:
    from prefect._base.settings.settings import Settings


class Session:
    """The profile and the manner that a command line chose.

    Args:
        profile: the name of the profile to use; None: the active one.
        prompt: whether commands may ask; None: as `PREFECT_CLI_PROMPT` says, else if stdin is a terminal.
    """

    def __init__(self, profile: str | None, prompt: bool | None) -> None:
        self._profile = profile
        self._prompt = prompt

    @property
    def profile(self) -> str:
        """The name of the profile that this command uses.

        Raises:
            MissingProfileError: there is no such profile.
        """
        from prefect.settings.profiles import current_profile_name, load_profile  # only for some commands

        return load_profile(self._profile).name if self._profile is not None else current_profile_name()

    def activate(self, ctx: click.Context) -> Settings:
        """Put the settings of the command's profile in force while the command runs.

        Raises:
            SettingsError: a setting is wrong.
            MissingProfileError: there is no such profile.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if self._profile is not None:
                ctx.with_resource(use_profile(self._profile, include_current_context=is_loaded()))
            settings = get_current_settings()
        for warning in caught:
            click.secho(f"Warning: {warning.message}", fg="yellow", err=True, color=wants_colors(sys.stderr))
        if not settings.cli.colors:
            ctx.color = False
        return settings

    def may_ask(self) -> bool:
        """Whether the command may ask a question."""
        if self._prompt is not None:
            return self._prompt
        setting = in_force().settings.cli.prompt if is_loaded() else None
        return sys.stdin.isatty() if setting is None else setting


def current_session() -> Session:
    """The session of the command that is running."""
    return click.get_current_context().ensure_object(Session)
