"""Profiles on disk: read them, change them, write them back."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from prefect._base.settings.load import assignments_above_profiles
from prefect._base.settings.profiles import BUILT_IN, DEFAULT_PROFILE, choose_profile, read_profiles
from prefect._base.settings.resolve import profiles_path
from prefect.exceptions import MissingProfileError
from prefect.settings.in_force import in_force, is_loaded
from prefect.settings.profile import DEFAULT_PROFILES_PATH, Profile, ProfilesCollection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prefect.settings.setting import Setting


def profiles_file() -> Path:
    """The file of profiles; known even while other settings are wrong, so that they can be mended."""
    return in_force().settings.profiles_path if is_loaded() else profiles_path(assignments_above_profiles())


def load_profiles(include_defaults: bool = True) -> ProfilesCollection:
    """The stored profiles, after the built-in ones that they do not redefine.

    Raises:
        SettingsError: the file is malformed.
    """
    file = profiles_file()
    active, stored = read_profiles(file)
    profiles = {name: Profile(name, settings, file) for name, settings in stored.items()}
    if include_defaults:
        built_in = {
            name: Profile(name, settings, DEFAULT_PROFILES_PATH) for name, settings in BUILT_IN.items()
        }
        profiles = {**built_in, **profiles}
    return ProfilesCollection(profiles.values(), active or (DEFAULT_PROFILE if include_defaults else None))


def load_profile(name: str) -> Profile:
    """The profile `name`.

    Raises:
        MissingProfileError: there is none (also a ValueError).
    """
    profiles = load_profiles()
    if name not in profiles.names:
        raise MissingProfileError(
            f"Profile {name!r} not found. Known profiles: {', '.join(sorted(profiles))}."
        )
    return profiles[name]


def load_current_profile() -> Profile:
    """The profile in force."""
    return load_profile(current_profile_name())


def current_profile_name() -> str:
    """The name of the profile in force.

    Raises:
        MissingProfileError: PREFECT_PROFILE, or the profiles file, names one that does not exist.
    """
    if is_loaded():
        return in_force().profile
    file = profiles_file()
    return choose_profile(read_profiles(file), None, file)[0]


def update_current_profile(settings: Mapping[Setting, Any] | Mapping[str, Any]) -> Profile:
    """Merge `settings` into the profile in force, and save it; None removes a setting.

    Raises:
        ProfileSettingsValidationError: one of the settings is unknown or ill-typed; nothing is saved then.
    """
    return update_profile(current_profile_name(), settings)


def update_profile(name: str, settings: Mapping[Setting, Any] | Mapping[str, Any]) -> Profile:
    """The same for the profile `name`."""
    new = Profile(name, settings).settings
    Profile(name, {setting: value for setting, value in new.items() if value is not None}).validate_settings()
    profiles = load_profiles()
    updated = profiles.update_profile(name, settings, profiles_file())
    save_profiles(profiles)
    return updated


def save_profiles(profiles: ProfilesCollection) -> None:
    """Write `profiles` to the profiles file, at once or not at all; comments and order in the file survive.

    Built-in profiles that were not changed are left out.
    """
    import tomlkit  # 40 ms of import, for the rare change of a profile

    file = profiles_file()
    own = profiles.without_profile_source(DEFAULT_PROFILES_PATH).to_dict()
    document: Any = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    if document.get("active") != own["active"]:
        if own["active"] is None:
            document.pop("active")
        else:
            document["active"] = own["active"]
    if "profiles" not in document:
        document["profiles"] = tomlkit.table(is_super_table=True)
    _merge(document["profiles"], own["profiles"], tomlkit.table)
    _write_atomically(file, tomlkit.dumps(document))


def _merge(present: Any, wanted: dict[str, Any], new_table: Any) -> None:
    """Make a table of a TOML document hold `wanted`, touching only what differs."""
    for key in [key for key in present if key not in wanted]:
        del present[key]
    for key, value in wanted.items():
        if isinstance(value, dict):
            if key not in present:
                present[key] = new_table()
            _merge(present[key], cast("dict[str, Any]", value), new_table)
        elif key not in present:
            _append(present, key, value)
        elif str(present[key]) != value:
            present[key] = value


def _append(table: Any, key: str, value: str) -> None:
    """Add a key after the last one: comments at the end of a table belong to the next table's header."""
    body: list[Any] = table.value.body
    trailing: list[Any] = []
    while body and body[-1][0] is None:
        trailing.insert(0, body.pop())
    table[key] = value
    body.extend(trailing)


def _write_atomically(file: Path, text: str) -> None:
    """Through a file beside it, readable by its owner only: profiles may hold secrets."""
    file = file.resolve()  # a link stays a link
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with open(  # noqa: PTH123 - the only way to set the mode from the start
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
