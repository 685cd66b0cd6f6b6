"""The settings in force: those of the context, else those of the process, read when first asked for."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from prefect._base.settings.load import Loaded, load_assignments, warn_of_misspelt_variables
from prefect._base.settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from prefect.settings.setting import Setting


class InForce:
    """Settings, and the sources and profile they were loaded from."""

    __slots__ = ("loaded", "settings")

    def __init__(self, loaded: Loaded, settings: Settings | None = None) -> None:
        self.loaded = loaded
        self.settings = settings or Settings.from_assignments(loaded.assignments)


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
    return (_of_context.get() or _of_process or _load()).settings


def in_force() -> InForce:
    """What `get_current_settings` returns, with its origin."""
    return _of_context.get() or _of_process or _load()


def is_loaded() -> bool:
    """Whether settings are in force already, so that asking for them reads nothing."""
    return (_of_context.get() or _of_process) is not None


def load_anew() -> InForce:
    """Read the sources again, and put the outcome in force for the process."""
    return _load()


def _load() -> InForce:
    global _of_process
    warn_of_misspelt_variables()
    _of_process = InForce(load_assignments())
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
    with put_in_force(InForce(current.loaded, changed)) as settings:
        yield settings
