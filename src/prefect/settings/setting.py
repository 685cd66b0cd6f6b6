"""`PREFECT_API_URL` and its like: objects that stand for one setting."""

from __future__ import annotations

from typing import Any

from prefect._base.settings.resolve import resolve
from prefect._base.settings.settings import Settings
from prefect._base.settings.table import BY_ENV, find
from prefect.settings.in_force import get_current_settings


class Setting:
    """One setting, by its environment name; a key of `temporary_settings` and of profiles.

    Two are equal if they stand for the same setting, whichever of its names they use. A name of no setting
    is allowed, since a profile may hold one: it fails when it is used.
    """

    __slots__ = ("_spec", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._spec = BY_ENV.get(name)

    @property
    def accessor(self) -> str:
        """The attribute path, such as `api.url`."""
        return find(self.name).path

    @property
    def is_secret(self) -> bool:
        """Whether its value hides in reprs."""
        return self._spec is not None and self._spec.secret

    def value(self) -> Any:
        """The value in force."""
        return self.value_from(get_current_settings())

    def value_from(self, settings: Settings) -> Any:
        """The value in `settings`."""
        value = settings.values[self.accessor]
        return value.get_secret_value() if self.is_secret and value is not None else value

    def default(self) -> Any:
        """The value it has where nothing sets it, with PREFECT_HOME as it is."""
        assigned = get_current_settings().assignments
        home = {path: assigned[path] for path in ("home",) if path in assigned and self.accessor != path}
        return resolve(home)[self.accessor]

    def _identity(self) -> str:
        return self._spec.env if self._spec else self.name

    def __bool__(self) -> bool:
        return bool(self.value())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Setting) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        return f"<{self.name}: {self._spec.kind.expects if self._spec else 'unknown'}>"
