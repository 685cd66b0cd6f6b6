"""Run names from templates and callables (behaviour 5). Evaluated once a run, not once a try."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def flow_run_name_of(flow: Any, parameters: dict[str, Any]) -> str:
    """The name of a flow run with these parameters. Raises KeyError for an unknown name in the template."""
    return _name(flow.flow_run_name, parameters, "flow_run_name", with_parameters=False)


def task_run_name_of(task: Any, parameters: dict[str, Any]) -> str:
    """The name of a task run with these parameters. Raises KeyError for an unknown name in the template."""
    return _name(task.task_run_name, parameters, "task_run_name", with_parameters=True)


def _name(
    source: str | Callable[..., Any], parameters: dict[str, Any], option: str, *, with_parameters: bool
) -> str:
    if isinstance(source, str):
        return source.format(**parameters)
    if not callable(source):
        raise TypeError(f"Expected string or callable for {option!r}; got {type(source).__name__} instead.")
    takes = with_parameters and "parameters" in inspect.signature(source).parameters
    name = source(parameters=parameters) if takes else source()
    if not isinstance(name, str):
        raise TypeError(
            f"Callable {source} for {option!r} returned type {type(name).__name__} but a string is required."
        )
    return name
