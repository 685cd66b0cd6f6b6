"""The settings in force: those of the context, else those of the process, read when first asked for."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from prefect._base.settings.load import load_assignments, warn_of_misspelt_variables
from prefect._base.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from pathlib import Path

    from prefect.settings.setting import Setting


class InForce:
    """Settings, and the profile that was one of their sources."""

    __slots__ = ("profile", "profile_settings", "profile_source", "settings")

    def __init__(
        self, settings: Settings, profile: str, profile_settings: dict[str, Any], profile_source: Path | None
    ) -> None:
        self.settings = settings
        self.profile = profile
        self.profile_settings = profile_settings
        self.profile_source = profile_source

    @classmethod
    def of_sources(cls) -> InForce:
        """What the sources say now."""
        loaded = load_assignments()
        settings = Settings.from_assignments(loaded.assignments)
        return cls(settings, loaded.profile, loaded.profile_settings, loaded.profiles_path)

    def with_settings(self, settings: Settings) -> InForce:
        """The same profile with other settings."""
        return InForce(settings, self.profile, self.profile_settings, self.profile_source)


_of_context: ContextVar[InForce | None] = ContextVar("prefect_settings", default=None)
_of_process: InForce | None = None


def get_current_settings() -> Settings:
    """The settings in force, nested: `get_current_settings().logging.to_api.enabled`.

    The sources are read once in the life of a process; `temporary_settings` and `use_profile` change what is
    in force for a block.

    Raises:
        SettingsError: on the first call, if a source holds an unknown or ill-typed setting.
        MissingProfileError: on the first call, if the chosen profile does not exist.
    """
    return (_of_context.get() or _of_process or load()).settings


def in_force() -> InForce:
    """What `get_current_settings` returns, with its origin."""
    return _of_context.get() or _of_process or load()


def is_loaded() -> bool:
    """Whether settings are in force already, so that asking for them reads nothing."""
    return (_of_context.get() or _of_process) is not None


def load() -> InForce:
    """Read the sources, and put what they say in force for the process."""
    global _of_process
    warn_of_misspelt_variables()
    _of_process = InForce.of_sources()
    return _of_process


@contextmanager
def put_in_force(new: InForce) -> Generator[Settings, None, None]:
    """Put `new` in force in this context until the block ends."""
    token = _of_context.set(new)
    try:
        yield new.settings
    finally:
        _of_context.reset(token)


@contextmanager
def temporary_settings(
    updates: Mapping[Setting, Any] | Mapping[str, Any] | None = None,
    set_defaults: Mapping[Setting, Any] | Mapping[str, Any] | None = None,
    restore_defaults: Iterable[Setting | str] | None = None,
) -> Generator[Settings, None, None]:
    """Change settings until the block ends; keys are `PREFECT_…` objects, their names, or paths (`api.url`).

    Args:
        updates: values that are stronger than every other source.
        set_defaults: values for those of these settings that no source sets.
        restore_defaults: settings that go back to their defaults.

    Raises:
        SettingsError: a key is no setting, or a value is ill-typed; nothing changes then.
    """
    current = in_force()
    changed = current.settings.copy_with_update(updates, set_defaults, restore_defaults)
    with put_in_force(current.with_settings(changed)) as settings:
        yield settings
