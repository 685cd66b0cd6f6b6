"""Running steps: functions named by their import path, with arguments in which `{{ … }}` is filled in."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

from prefect._base.dual import in_thread
from prefect.deployments._templates import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["StepExecutionError", "run_step", "run_steps"]

_RESERVED: Final = ("id", "requires")


class StepExecutionError(Exception):
    """A step failed; its cause is what the step raised."""


async def run_step(step: dict[str, Any], upstream_outputs: dict[str, Any] | None = None) -> Any:
    """Run one step, and give its output.

    Args:
        step: `{"package.module.function": {"argument": …, "id": …, "requires": …}}`. `requires` names packages that
            are installed with pip if they are missing.
        upstream_outputs: what `{{ name }}` stands for in the arguments.

    Raises:
        ValueError: the step names no function, or several.
        ModuleNotFoundError: there is no such module.
        AttributeError: there is no such function in it.
        ObjectNotFound: it refers to a block that there is not.
    """
    name, arguments = _parts(step)
    requires = arguments.get("requires")
    if requires:
        await in_thread(_install, [requires] if isinstance(requires, str) else list(requires))
    given = {key: value for key, value in arguments.items() if key not in _RESERVED}
    ready: Any = await in_thread(filled, given, upstream_outputs or {})
    answer = _function(name)(**ready)
    return await answer if hasattr(answer, "__await__") else answer


async def run_steps(  # noqa: PLR0917 - a public signature
    steps: list[dict[str, Any]],
    upstream_outputs: dict[str, Any] | None = None,
    print_function: Any = print,
    deployment: Any | None = None,
    flow_run: Any | None = None,
    logger: Any | None = None,
) -> dict[str, Any]:
    """Run steps in their order; each sees what those before it gave, by name and by `id.name`.

    Args:
        steps: as of `run_step`.
        upstream_outputs: what is known before.
        print_function: is told what is about to run.
        deployment: whose steps they are; it is part of what `{{ … }}` sees by `prefect.deployment.name`.
        flow_run: for which they run; the same, by `prefect.flow_run.id`.
        logger: is told about failures too.

    Returns:
        All outputs.

    Raises:
        StepExecutionError: a step failed.
    """
    outputs = dict(upstream_outputs or {})
    about = dict(_about(deployment, flow_run))
    for step in steps:
        if not step:
            continue
        name, arguments = _parts(step)
        print_function(f" > Running {name.rpartition('.')[2]} step...")
        try:
            output = await run_step(step, {**about, **outputs})
        except Exception as exc:
            if logger is not None:
                logger.error("Step %s failed: %s", name, exc)  # noqa: TRY400 - it is raised, with its trace
            raise StepExecutionError(f"Encountered error while running {name}: {exc}") from exc
        if isinstance(output, dict):
            step_id = arguments.get("id")
            if step_id:
                outputs[step_id] = output
            outputs.update(output)  # pyright: ignore[reportUnknownArgumentType] # of a step, names to anything
    return outputs


def _parts(step: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if len(step) != 1:
        raise ValueError(
            f"Step has unexpected additional keys: expected one function, got {', '.join(map(str, step)) or 'none'}. "
            "Begin each step with a dash of its own."
        )
    name, arguments = next(iter(step.items()))
    return name, dict(arguments or {})


def _about(deployment: Any, flow_run: Any) -> Iterator[tuple[str, Any]]:
    for kind, one, fields in (
        ("deployment", deployment, ("id", "name", "version", "path", "entrypoint")),
        ("flow_run", flow_run, ("id", "name", "parameters", "tags")),
    ):
        for field in fields:
            value = getattr(one, field, None)
            if value is not None:
                yield f"prefect.{kind}.{field}", str(value) if field == "id" else value


def _function(name: str) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    if not module:
        raise ValueError(f"Expected a step by its import path (package.module.function), got {name!r}.")
    return getattr(importlib.import_module(module), attribute)


def _install(packages: list[str]) -> None:
    missing = [package for package in packages if not _is_installed(package)]
    if missing:
        words = [sys.executable, "-m", "pip", "install", "--quiet", *missing]
        subprocess.run(words, check=True)  # noqa: S603 - what the deployment says it requires


def _is_installed(requirement: str) -> bool:
    """By the distribution's name, whatever version."""
    from importlib.metadata import PackageNotFoundError, distribution  # only steps that require something

    name = re.split(r"[\s\[<>=!~;@]", requirement.strip(), maxsplit=1)[0]
    try:
        distribution(name)
    except PackageNotFoundError:
        return importlib.util.find_spec(name.replace("-", "_")) is not None
    return True
