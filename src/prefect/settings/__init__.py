"""Settings and profiles: what is in force, how to change it, and `PREFECT_…` objects for single settings.

Names beyond the first two are imported when they are first used, to keep start-up light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._base.settings.settings import Settings
from prefect.settings.in_force import get_current_settings, temporary_settings

if TYPE_CHECKING:
    from prefect._base.settings.settings import Group
    from prefect.settings.profile import DEFAULT_PROFILES_PATH, Profile, ProfilesCollection
    from prefect.settings.profiles import (
        load_current_profile,
        load_profile,
        load_profiles,
        save_profiles,
        update_current_profile,
    )
    from prefect.settings.setting import Setting

    PREFECT_API_AUTH_STRING: Setting
    PREFECT_API_KEY: Setting
    PREFECT_API_URL: Setting
    PREFECT_UI_URL: Setting

__all__ = [
    "DEFAULT_PROFILES_PATH",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
    "PREFECT_API_URL",
    "PREFECT_UI_URL",
    "Profile",
    "ProfilesCollection",
    "Settings",
    "canonical_environment_prefix",
    "get_current_settings",
    "load_current_profile",
    "load_profile",
    "load_profiles",
    "save_profiles",
    "temporary_settings",
    "update_current_profile",
]

_LAZY = {
    "DEFAULT_PROFILES_PATH": "prefect.settings.profile",
    "Profile": "prefect.settings.profile",
    "ProfilesCollection": "prefect.settings.profile",
    "Setting": "prefect.settings.setting",
    "load_current_profile": "prefect.settings.profiles",
    "load_profile": "prefect.settings.profiles",
    "load_profiles": "prefect.settings.profiles",
    "save_profiles": "prefect.settings.profiles",
    "update_current_profile": "prefect.settings.profiles",
}


def canonical_environment_prefix(settings: Group) -> str:
    """What the environment names of a group of settings begin with: `PREFECT_API_` for `settings.api`."""
    path = settings.__dict__.get("_path", "")
    return f"PREFECT_{path.upper().replace('.', '_')}_" if path else "PREFECT_"


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module  # profiles are for the command line, not for every start

        value = getattr(import_module(_LAZY[name]), name)
    else:
        value = _setting(name)
    globals()[name] = value
    return value


def _setting(name: str) -> Setting:
    from prefect._base.settings.table import BY_ENV  # only for code that uses settings as objects

    if name not in BY_ENV:
        raise AttributeError(f"{name} is not a Prefect setting.")
    from prefect.settings.setting import Setting  # only for code that uses settings as objects

    return Setting(name)
