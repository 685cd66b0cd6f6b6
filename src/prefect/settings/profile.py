"""Profiles as objects: a named set of settings, and a collection of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prefect._base.settings.kinds import to_text
from prefect._base.settings.resolve import resolve
from prefect._base.settings.sources import from_profile
from prefect._base.settings.table import SettingsError
from prefect.exceptions import ProfileSettingsValidationError
from prefect.settings.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prefect._base.settings.sources import Assignments

DEFAULT_PROFILES_PATH: Final = Path(__file__).with_name("profiles.toml")
"""The built-in profiles as a file: the `source` of a profile that no file of the user holds."""


class Profile:
    """A named set of settings.

    Args:
        name: what `prefect profile use` calls it.
        settings: values by setting; keys may be `PREFECT_…` objects or their names.
        source: the file it was read from.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[Setting, Any] | Mapping[str, Any] | None = None,
        source: Path | None = None,
    ) -> None:
        self.name = name
        self.settings = {_setting(key): value for key, value in (settings or {}).items()}
        self.source = source

    def to_environment_variables(self) -> dict[str, str]:
        """The settings as variables; those that are None are left out."""
        return {setting.name: to_text(value) for setting, value in self.settings.items() if value is not None}

    def to_assignments(self) -> Assignments:
        """The settings as a source of the loader.

        Raises:
            SettingsError: one of them is unknown.
        """
        values = {setting.name: value for setting, value in self.settings.items()}
        return from_profile(self.name, values, self.source or Path("memory"))

    def validate_settings(self) -> None:
        """Check every setting.

        Raises:
            ProfileSettingsValidationError: `errors` holds a pair (setting, error) for each that is unknown or
                ill-typed.
        """
        errors: list[tuple[Any, Any]] = []
        for setting, value in self.settings.items():
            try:
                resolve(Profile(self.name, {setting: value}, self.source).to_assignments())
            except SettingsError as error:  # noqa: PERF203 - all mistakes are reported at once
                errors.append((setting, error))
        if errors:
            raise ProfileSettingsValidationError(errors)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and (self.name, self.settings) == (other.name, other.settings)

    __hash__ = None  # type: ignore[assignment] # its settings may change

    def __repr__(self) -> str:
        shown = {s: "********" if s.is_secret else value for s, value in self.settings.items()}
        return f"Profile(name={self.name!r}, settings={shown!r}, source={self.source!r})"


def _setting(key: Setting | str) -> Setting:
    return key if isinstance(key, Setting) else Setting(key)


class ProfilesCollection:
    """Profiles by name, in order, one of them active.

    Args:
        profiles: the profiles; each name once.
        active: the name of the active one.
    """

    def __init__(self, profiles: Iterable[Profile], active: str | None = None) -> None:
        self.profiles_by_name = {profile.name: profile for profile in profiles}
        self.active_name = active

    @property
    def names(self) -> set[str]:
        """The names of all profiles."""
        return set(self.profiles_by_name)

    @property
    def active_profile(self) -> Profile | None:
        """The active profile, if there is one."""
        return self.profiles_by_name.get(self.active_name) if self.active_name else None

    def set_active(self, name: str | None, check: bool = True) -> None:
        """Make `name` the active profile; None: none is.

        Raises:
            ValueError: there is no such profile, and `check` is on.
        """
        if check and name is not None and name not in self.profiles_by_name:
            raise ValueError(f"Unknown profile name {name!r}.")
        self.active_name = name

    def update_profile(
        self, name: str, settings: Mapping[Setting, Any] | Mapping[str, Any], source: Path | None = None
    ) -> Profile:
        """Merge `settings` into the profile `name`, which is created if need be; None removes a setting."""
        old = self.profiles_by_name.get(name)
        merged = {
            **(old.settings if old else {}),
            **{_setting(key): value for key, value in settings.items()},
        }
        kept = {setting: value for setting, value in merged.items() if value is not None}
        self.profiles_by_name[name] = Profile(name, kept, source)
        return self.profiles_by_name[name]

    def add_profile(self, profile: Profile) -> None:
        """Add `profile`.

        Raises:
            ValueError: its name is taken.
        """
        if profile.name in self.profiles_by_name:
            raise ValueError(f"Profile name {profile.name!r} already exists in collection.")
        self.profiles_by_name[profile.name] = profile

    def remove_profile(self, name: str) -> None:
        """Remove the profile `name`.

        Raises:
            KeyError: there is no such profile.
        """
        del self.profiles_by_name[name]

    def without_profile_source(self, path: Path | None) -> ProfilesCollection:
        """These profiles without those that were read from `path`."""
        return ProfilesCollection(
            [p for p in self.profiles_by_name.values() if p.source != path], self.active_name
        )

    def to_dict(self) -> dict[str, Any]:
        """The content of a profiles file."""
        profiles = {name: profile.to_environment_variables() for name, profile in self.items()}
        return {"active": self.active_name, "profiles": profiles}

    def items(self) -> list[tuple[str, Profile]]:
        """Pairs of name and profile."""
        return list(self.profiles_by_name.items())

    def __getitem__(self, name: str) -> Profile:
        return self.profiles_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.profiles_by_name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ProfilesCollection)
            and self.active_name == other.active_name
            and self.profiles_by_name == other.profiles_by_name
        )

    __hash__ = None  # type: ignore[assignment] # its profiles may change

    def __repr__(self) -> str:
        profiles = list(self.profiles_by_name.values())
        return f"ProfilesCollection(profiles={profiles!r}, active={self.active_name!r})"
