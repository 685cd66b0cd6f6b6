"""Profiles as they are stored: named sets of settings, one of them active."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

from prefect._base.settings.sources import read_toml
from prefect._base.settings.table import SettingsError
from prefect.exceptions import MissingProfileError

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_PROFILE: Final = "ephemeral"
BUILT_IN: Final[dict[str, dict[str, Any]]] = {
    "ephemeral": {"PREFECT_SERVER_EPHEMERAL_ENABLED": "true"},
    "local": {"PREFECT_API_URL": "http://127.0.0.1:4200/api"},
    "test": {
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite:///:memory:",
    },
    "cloud": {},
}


StoredProfiles = tuple["str | None", dict[str, dict[str, Any]]]
"""What a profiles file holds: who is active, and settings by profile, keyed by environment name."""


def read_profiles(file: Path) -> StoredProfiles:
    """The profiles of `file`; none if it does not exist.

    Raises:
        SettingsError: the file is no TOML, or not of the shape of a profiles file.
    """
    content = read_toml(file)
    active, profiles = content.pop("active", None), content.pop("profiles", {})
    if content:
        raise SettingsError(
            f"Expected `active` and `[profiles.NAME]` in {file}, got {', '.join(map(repr, content))}."
        )
    if not isinstance(active, str | None):
        raise SettingsError(f"Expected `active` in {file} to be the name of a profile, got {active!r}.")
    tables = cast("dict[str, Any]", profiles if isinstance(profiles, dict) else {"": profiles})
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"Expected a table `[profiles.{name}]` in {file}, got {table!r}.")
    return active, tables


def choose_profile(stored: StoredProfiles, wanted: str | None, file: Path) -> tuple[str, dict[str, Any]]:
    """The name and settings of `wanted`, else of PREFECT_PROFILE, else of the file's active profile.

    Raises:
        MissingProfileError: there is no profile of that name.
    """
    active, profiles = stored
    from_variable = os.environ.get("PREFECT_PROFILE")
    name = wanted or from_variable or active or DEFAULT_PROFILE
    settings = profiles.get(name, BUILT_IN.get(name))
    if settings is None:
        asked_by = (
            "" if wanted else "PREFECT_PROFILE in the environment" if from_variable else f"`active` in {file}"
        )
        known = ", ".join(sorted({*BUILT_IN, *profiles}))
        raise MissingProfileError(
            f"Profile {name!r} not found{asked_by and f', asked for by {asked_by}'}. Known profiles: {known}."
        )
    return name, settings
