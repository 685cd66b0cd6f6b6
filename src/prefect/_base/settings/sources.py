"""Where settings come from: each reader returns what its source assigns, unparsed, with its origin."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from prefect._base.settings.table import BY_ENV, BY_PATH, SettingsError, closest_hint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Assigned:
    """A value as its source holds it, not yet parsed.

    `source` is a short label, as `prefect config view` shows it; `place` says exactly where.
    """

    __slots__ = ("place", "source", "value")

    def __init__(self, value: Any, source: str, place: str) -> None:
        self.value = value
        self.source = source
        self.place = place


Assignments = dict[str, Assigned]
"""Setting path -> what a source assigns to it."""


def from_variables(variables: Mapping[str, str], label: str, where: str = "") -> Assignments:
    """The settings among environment variables; where a name and its alias are both set, the name counts."""
    found: Assignments = {}
    for name, value in variables.items():
        spec = BY_ENV.get(name)
        if spec is not None and (spec.path not in found or name == spec.env):
            found[spec.path] = Assigned(value, label, f"environment variable {name}{where}")
    return found


def from_environment() -> Assignments:
    """The environment of this process."""
    return from_variables(os.environ, "env")


def from_dotenv() -> Assignments:
    """`.env` in the working directory."""
    if not os.path.isfile(".env"):  # noqa: PTH113 - 5 µs instead of 20 on every start
        return {}
    from dotenv import dotenv_values  # 15 ms of import, only where such a file exists

    variables = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return from_variables(variables, ".env file", f" in {os.path.abspath('.env')}")  # noqa: PTH100


def from_project_files() -> Assignments:
    """`prefect.toml`, and beneath it `[tool.prefect]` of `pyproject.toml`, in the working directory."""
    data = _read("pyproject.toml")
    content = _parse_toml(data, "pyproject.toml") if _may_hold_our_table(data) else {}
    project = from_tables("pyproject.toml", content.get("tool", {}).get("prefect", {}))
    return {**project, **from_tables("prefect.toml", read_toml("prefect.toml"))}


def _may_hold_our_table(pyproject: bytes) -> bool:
    """Whether the parser is worth its 5 ms: most projects only depend on us, and configure nothing here."""
    compact = pyproject.translate(None, b" \t'\"")
    return any(form in compact for form in (b"tool.prefect", b"[tool]", b"tool={"))


def read_toml(path: str | Path) -> dict[str, Any]:
    """The content of a TOML file; empty if there is no such file.

    Raises:
        SettingsError: the file is no TOML, or cannot be read.
    """
    data = _read(path)
    return _parse_toml(data, path) if data.strip() else {}


def _read(path: str | Path) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - `path` may be a string
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error}. Make it readable, or remove it.") from error


def _parse_toml(data: bytes, path: str | Path) -> dict[str, Any]:
    import importlib  # 5 ms of import for the parser, only where such a file exists
    import sys

    parser = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return parser.loads(data.decode())
    except ValueError as error:
        raise SettingsError(f"Expected TOML in {os.path.abspath(path)}, got: {error}") from error  # noqa: PTH100


def from_tables(file: str, content: Any) -> Assignments:
    """The settings in TOML tables named like their paths.

    Raises:
        SettingsError: a key is no setting, or `content` is no table.
    """
    place = os.path.abspath(file)  # noqa: PTH100
    found: Assignments = {}
    if not isinstance(content, dict):
        raise SettingsError(f"Expected a table of settings in {place}, got {content!r}.")
    for path, value in _leaves(cast("dict[str, Any]", content)):
        if path in BY_PATH:
            found[path] = Assigned(value, file, f"key {path} of {place}")
        elif not _is_unused("PREFECT_" + path.upper().replace(".", "_")):
            raise SettingsError(f"Unknown setting: {path!r}, in {place}. {closest_hint(path)}")
    return found


def _leaves(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        path = prefix + key
        if isinstance(value, dict) and path not in BY_PATH:
            yield from _leaves(cast("dict[str, Any]", value), path + ".")
        else:
            yield path, value


def from_profile(name: str, settings: Mapping[str, Any], file: Path) -> Assignments:
    """The settings of a profile, whose keys are environment names.

    Raises:
        SettingsError: a key is no setting, or one that decides where profiles are.
    """
    found: Assignments = {}
    for key, value in settings.items():
        spec = BY_ENV.get(key)
        if spec is None:
            if _is_unused(key):
                continue
            raise SettingsError(
                f"Unknown setting: {key!r}, in profile {name!r} of {file}. {closest_hint(key)}"
            )
        if spec.path in ("home", "profiles_path"):
            raise SettingsError(
                f"{key} cannot be set in profile {name!r} of {file}: it decides where profiles are. "
                "Set it in the environment."
            )
        found[spec.path] = Assigned(value, "profile", f"{key} of profile {name!r} in {file}")
    return found


def _is_unused(name: str) -> bool:
    from prefect._base.settings.unknown import is_unused  # only where an unknown name turned up

    return is_unused(name)
