"""Read all sources, strongest last: profile, pyproject.toml, prefect.toml, .env, environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from prefect._base.settings import sources
from prefect._base.settings.profiles import choose_profile, read_profiles
from prefect._base.settings.resolve import profiles_path
from prefect._base.settings.table import BY_ENV

if TYPE_CHECKING:
    from pathlib import Path

    from prefect._base.settings.sources import Assignments


class Loaded:
    """What all sources together assign, and the profile that was one of them."""

    __slots__ = ("assignments", "profile", "profile_settings", "profiles_path")

    def __init__(
        self, assignments: Assignments, profile: str, profile_settings: dict[str, Any], profiles_path: Path
    ) -> None:
        self.assignments = assignments
        self.profile = profile
        self.profile_settings = profile_settings
        self.profiles_path = profiles_path


def assignments_above_profiles() -> Assignments:
    """What the environment, `.env` and the files of the working directory assign.

    Raises:
        SettingsError: one of the files is malformed, or holds an unknown setting.
    """
    return {**sources.from_project_files(), **sources.from_dotenv(), **sources.from_environment()}


def load_assignments(profile: str | None = None) -> Loaded:
    """All sources; `profile` names the profile in place of the active one.

    Raises:
        SettingsError: a file is malformed, or holds an unknown setting.
        MissingProfileError: there is no such profile.
    """
    above = assignments_above_profiles()
    path = profiles_path(above)
    name, settings = choose_profile(read_profiles(path), profile, path)
    return Loaded({**sources.from_profile(name, settings, path), **above}, name, settings, path)


def warn_of_misspelt_variables() -> None:
    """One UserWarning for all variables of the environment that are almost settings."""
    if not any(name.startswith("PREFECT_") and name not in BY_ENV for name in os.environ):
        return
    from prefect._base.settings.unknown import misspelt  # only where there is something to look at

    found = misspelt(os.environ)
    if found:
        import warnings  # only a misspelt name needs it

        guesses = "; ".join(f"{name} (did you mean {guess}?)" for name, guess in found)
        warnings.warn(f"Environment variables that look like settings, but are none: {guesses}", stacklevel=3)
