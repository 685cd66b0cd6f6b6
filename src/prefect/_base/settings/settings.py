"""The object that holds the settings in force: nested, typed by the table, immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, cast

from prefect._base.settings.kinds import to_text
from prefect._base.settings.load import load_assignments
from prefect._base.settings.resolve import resolve
from prefect._base.settings.sources import Assigned, Assignments
from prefect._base.settings.table import BY_PATH, TABLE, SettingsError, closest_hint, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Group:
    """A branch of the settings, such as `settings.logging`; its values and branches are plain attributes."""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            raise AttributeError(f"There is no setting {name!r} here, but: {', '.join(self._names())}.")
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(
            f"Settings cannot be changed in place ({name!r}): use `temporary_settings(...)`, "
            "`copy_with_update(...)`, the environment, or `prefect config set`."
        )

    def _names(self) -> list[str]:
        return [name for name in self.__dict__ if not name.startswith("_")]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment] # compares by content, some of which cannot be hashed

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({', '.join(f'{name}={self.__dict__[name]!r}' for name in self._names())})"
        )

    def model_dump(self) -> dict[str, Any]:
        """The values as nested dicts, secrets included (they hide in the dict's repr)."""
        return {
            name: value.model_dump() if isinstance(value, Group) else value
            for name, value in ((name, self.__dict__[name]) for name in self._names())
        }


class Settings(Group):
    """All settings: `settings.logging.to_api.enabled`, named as the table names them.

    Args:
        init: values that are stronger than every other source, nested as the settings are:
            `Settings(api={"url": "http://…"})`. What is not given comes from the environment, the files and
            the active profile, as for `get_current_settings()`.

    Raises:
        SettingsError: a setting is unknown or ill-typed, here or in one of the sources.
    """

    def __init__(self, **init: Any) -> None:
        given = {path: _of_arguments(value) for path, value in _flatten(init)}
        _fill(self, {**load_assignments().assignments, **given})

    @classmethod
    def from_assignments(cls, assignments: Assignments) -> Settings:
        """The settings that follow from `assignments` and the defaults, and from nothing else.

        Raises:
            SettingsError: one or more values are ill-typed; a line for each.
        """
        settings = object.__new__(cls)
        _fill(settings, assignments)
        return settings

    @property
    def values(self) -> Mapping[str, Any]:
        """Every value by its path, such as `logging.to_api.enabled`."""
        return cast("dict[str, Any]", self.__dict__["_values"])

    @property
    def assignments(self) -> Assignments:
        """What is set, by path, with its source; whatever is missing has its default."""
        return dict(self.__dict__["_assignments"])

    @property
    def connected_to_cloud(self) -> bool:
        """Whether the API is Prefect Cloud's."""
        return (self.values["api.url"] or "").startswith("https://api.prefect.cloud/api")

    def copy_with_update(
        self,
        updates: Mapping[Any, Any] | None = None,
        set_defaults: Mapping[Any, Any] | None = None,
        restore_defaults: Iterable[Any] | None = None,
    ) -> Settings:
        """These settings with changes; keys are paths, environment names, or `PREFECT_…` objects.

        Args:
            updates: values to set.
            set_defaults: values for those of these settings that are not set.
            restore_defaults: settings that go back to their defaults.

        Raises:
            SettingsError: a key is unknown, or a value ill-typed.
        """
        kept = self.assignments
        for key in restore_defaults or ():
            kept.pop(path_of(key), None)
        changed = {**_given(set_defaults), **kept, **_given(updates)}
        return Settings.from_assignments(changed)

    def to_environment_variables(
        self, exclude_unset: bool = False, include_secrets: bool = True
    ) -> dict[str, str]:
        """The environment that gives another process these settings.

        What is None is left out.
        """
        assigned = self.__dict__["_assignments"]
        return {
            spec.env: to_text(value)
            for spec, value in ((spec, self.values[spec.path]) for spec in TABLE)
            if value is not None
            and (spec.path in assigned or not exclude_unset)
            and (include_secrets or not spec.secret)
        }

    def hash_key(self) -> str:
        """A digest of all values: equal settings have equal keys, in any process."""
        import hashlib  # 2 ms of import, for caches keyed by settings

        return hashlib.sha256(repr(sorted(self.to_environment_variables().items())).encode()).hexdigest()


def path_of(key: Any) -> str:
    """The path of a setting given by its path, its environment name, or its `PREFECT_…` object."""
    return find(getattr(key, "name", key)).path


def _of_arguments(value: Any) -> Assigned:
    return Assigned(value, "init", "the arguments given")


def _given(changes: Mapping[Any, Any] | None) -> Assignments:
    return {path_of(key): _of_arguments(value) for key, value in (changes or {}).items()}


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        path = prefix + key
        if path in BY_PATH:
            yield path, value
        elif isinstance(value, dict):
            yield from _flatten(cast("dict[str, Any]", value), path + ".")
        else:
            raise SettingsError(f"Unknown setting: {path!r}. {closest_hint(path)}")


def _fill(settings: Settings, assignments: Assignments) -> None:
    values = resolve(assignments)
    groups: dict[str, Group] = {"": settings}
    settings.__dict__.update(_values=values, _assignments=assignments)
    for path, value in values.items():
        parent, _, name = path.rpartition(".")
        _group(groups, parent).__dict__[name] = value


def _group(groups: dict[str, Group], path: str) -> Group:
    if path not in groups:
        parent, _, name = path.rpartition(".")
        groups[path] = _group(groups, parent).__dict__[name] = Group()
        groups[path].__dict__["_path"] = path
    return groups[path]
