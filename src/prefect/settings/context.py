"""Settings as a context: which profile is in force, and how to switch it for a block.

Every flow imports this room by way of `prefect.context`, and almost none switches its profile: what profiles
need is imported when it is used.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from prefect._base.settings.load import assignments_above_profiles
from prefect._base.settings.settings import Settings
from prefect.settings.in_force import InForce, in_force, load, put_in_force

if TYPE_CHECKING:
    from collections.abc import Generator

    from typing_extensions import Self

    from prefect.settings.profile import Profile


class SettingsContext:
    """A profile and the settings that follow from it and from all stronger sources.

    As a context manager it puts them in force until the block ends.
    """

    def __init__(self, profile: Profile, settings: Settings) -> None:
        self.profile = profile
        self.settings = settings
        self._entered: list[AbstractContextManager[Settings]] = []

    @classmethod
    def get(cls) -> SettingsContext:
        """What is in force."""
        return cls._of(in_force())

    @classmethod
    def _of(cls, current: InForce) -> SettingsContext:
        from prefect.settings.profile import Profile  # see above

        profile = Profile(current.profile, current.profile_settings, current.profile_source)
        return cls(profile, current.settings)

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        """The profile and the set settings as texts, from which another process can take them up."""
        return {
            "profile": {"name": self.profile.name, "settings": self.profile.to_environment_variables()},
            "settings": self.settings.to_environment_variables(
                exclude_unset=True, include_secrets=include_secrets
            ),
        }

    def __enter__(self) -> Self:
        profile = self.profile
        entered = put_in_force(
            InForce(self.settings, profile.name, profile.to_environment_variables(), profile.source)
        )
        entered.__enter__()
        self._entered.append(entered)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._entered.pop().__exit__(None, None, None)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SettingsContext)
            and self.profile == other.profile
            and self.settings == other.settings
        )

    __hash__ = None  # type: ignore[assignment] # compares by content, which may change

    def __repr__(self) -> str:
        return f"SettingsContext(profile={self.profile!r}, settings={self.settings!r})"


def get_settings_context() -> SettingsContext:
    """The profile and the settings in force."""
    return SettingsContext.get()


@contextmanager
def use_profile(
    profile: Profile | str, override_environment_variables: bool = False, include_current_context: bool = True
) -> Generator[SettingsContext, None, None]:
    """Put a profile in force until the block ends.

    Args:
        profile: the profile, or the name of a stored one.
        override_environment_variables: the profile is stronger than the environment, `.env` and the files of
            the working directory, which otherwise win.
        include_current_context: what the settings in force set beyond that stays; otherwise the sources are
            read anew.

    Raises:
        MissingProfileError: there is no profile of that name.
        SettingsError: the profile holds an unknown or ill-typed setting.
    """
    if isinstance(profile, str):
        from prefect.settings.profiles import load_profile  # see above

        profile = load_profile(profile)
    above = assignments_above_profiles()
    own = profile.to_assignments()
    if not override_environment_variables:
        own = {path: assigned for path, assigned in own.items() if path not in above}
    base = in_force().settings.assignments if include_current_context else above
    with SettingsContext(profile, Settings.from_assignments({**base, **own})) as context:
        yield context


def root_settings_context() -> SettingsContext:
    """The profile and settings that the sources give now, without putting them in force."""
    return SettingsContext._of(InForce.of_sources())


def refresh_global_settings_context() -> None:
    """Read the sources again, and put the outcome in force for the process."""
    load()
