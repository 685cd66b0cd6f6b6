"""`prefect.yaml`: the deployments of a project, and the steps that build, push and pull their code."""

# YAML of any shape is Any, and narrowing Any makes it partially unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from prefect.exceptions import PrefectException

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIONS: Final = ("build", "push", "pull")
_KNOWN: Final = frozenset(
    (
        *("name", "flow_name", "version", "version_type", "tags", "description", "entrypoint", "parameters"),
        *("enforce_parameter_schema", "triggers", "schedule", "schedules", "paused", "concurrency_limit"),
        *("work_pool", "recover", "sla"),
        *ACTIONS,
    )
)


class ProjectError(PrefectException):
    """A `prefect.yaml` cannot be used: what was expected, what came, what to do."""


@dataclass
class Project:
    """What a `prefect.yaml` says.

    Attributes:
        path: of the file.
        steps: "build", "push" and "pull" of deployments that have none of their own; None where nothing is said.
        deployments: by their place in the file, as they stand there.
    """

    path: Path
    steps: dict[str, list[dict[str, Any]] | None] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)

    def named(self) -> list[dict[str, Any]]:
        """The deployments that have a name."""
        return [one for one in self.deployments if one.get("name")]

    def select(self, patterns: Iterable[str]) -> tuple[list[dict[str, Any]], list[str]]:
        """The deployments that are meant, and the patterns that mean none.

        A pattern is a name, `flow/name`, or has `*` and `?` in it. `flow` is the function's name in the entrypoint.
        """
        found: list[dict[str, Any]] = []
        unknown: list[str] = []
        for pattern in patterns:
            fitting = [one for one in self.named() if _fits(one, pattern)]
            found += [one for one in fitting if one not in found]
            if not fitting:
                unknown.append(pattern)
        return found, unknown


def read_project(path: Path) -> Project:
    """The project of a file; an empty one where there is no file.

    Raises:
        ProjectError: it is no YAML, or has another form.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Project(path)
    except OSError as exc:
        raise ProjectError(
            f"Expected a project file at {path}, which cannot be read: {exc.strerror}."
        ) from exc
    try:
        content: Any = yaml.safe_load(text) or {}
    except yaml.YAMLError as exc:
        raise ProjectError(f"Expected YAML in {path}, found something else: {exc}") from exc
    if not isinstance(content, dict):
        raise ProjectError(f"Expected names and values at the top of {path}, found {_kind(content)}.")
    listed: Any = content.get("deployments") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ProjectError(f"Expected `deployments` in {path} to be a list, each with a name and so on.")
    for one in listed:
        _check(one, path)
    _require_different(listed, path)
    return Project(path, {action: steps_in(content, action, path) for action in ACTIONS}, listed)


def steps_in(content: dict[str, Any], action: str, path: Path) -> list[dict[str, Any]] | None:
    """The steps under "build", "push" or "pull"; None where it is not there, or null. Raises ProjectError."""
    steps: Any = content.get(action)
    if steps is None:
        return None
    listed: list[Any] = [steps] if isinstance(steps, dict) else steps
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ProjectError(
            f"Expected `{action}` in {path} to be a list of steps such as "
            f"`- prefect.deployments.steps.git_clone:`, found {_kind(steps)}."
        )
    return listed


def _check(one: dict[str, Any], path: Path) -> None:
    name = one.get("name") or "?"
    unknown = sorted(str(key) for key in one if key not in _KNOWN)
    if unknown:
        raise ProjectError(
            f"Expected fields of a deployment in {path}, found {', '.join(unknown)} in {name!r}. "
            f"There are {', '.join(sorted(_KNOWN))}."
        )
    pool: Any = one.get("work_pool")
    if pool is not None and not isinstance(pool, dict):
        raise ProjectError(
            f"Expected `work_pool` of {name!r} in {path} to have a `name`, found {_kind(pool)}. "
            f"Write: work_pool: {{name: {pool}}}"
        )
    parameters: Any = one.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise ProjectError(f"Expected `parameters` of {name!r} in {path} by name, found {_kind(parameters)}.")


def _require_different(listed: list[dict[str, Any]], path: Path) -> None:
    seen: set[tuple[Any, Any]] = set()
    for one in listed:
        key = (one.get("entrypoint"), one.get("name"))
        if one.get("name") and key in seen:
            raise ProjectError(
                f"Expected each deployment of {one.get('entrypoint')} once in {path}, found {one['name']!r} twice. "
                "Rename one of them."
            )
        seen.add(key)


def _fits(one: dict[str, Any], pattern: str) -> bool:
    name = str(one["name"])
    function = str(one.get("entrypoint") or "").rpartition(":")[2]
    flows = {str(one.get("flow_name") or ""), function, function.replace("_", "-")}
    return fnmatchcase(name, pattern) or any(fnmatchcase(f"{flow}/{name}", pattern) for flow in flows if flow)


def _kind(value: Any) -> str:
    kinds = {str: "a text", list: "a list", dict: "names and values", int: "a number"}
    return kinds.get(type(value), type(value).__name__)
