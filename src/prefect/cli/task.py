"""`prefect task`: what executes background tasks."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any

import click

from prefect.cli._command import Group
from prefect.cli._output import fail

if TYPE_CHECKING:
    from prefect.tasks import Task


@click.group("task", cls=Group)
def task() -> None:
    """Execute background tasks."""


@task.command("serve")
@click.argument("entrypoints", nargs=-1, metavar="[ENTRYPOINTS]...")
@click.option(
    "--module", "-m", "modules", multiple=True, metavar="MODULE", help="Serve all tasks of a module."
)
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True, help="How many runs at once.")
def serve(entrypoints: tuple[str, ...], modules: tuple[str, ...], limit: int) -> None:
    """Execute the background runs of tasks (`path/to/file.py:task`) until Ctrl-C or SIGTERM."""
    from prefect.logging.configuration import (
        setup_logging,
    )  # the logging room is set up by who runs something
    from prefect.task_worker import serve as serve_tasks  # 150 ms of import that other commands do not need

    if not entrypoints and not modules:
        fail(
            "Expected tasks to serve: entrypoints (path/to/file.py:task), or modules with --module. Got neither."
        )
    tasks = [_task_at(entrypoint) for entrypoint in entrypoints]
    for module in modules:
        tasks += _tasks_of(module)
    setup_logging()
    serve_tasks(*tasks, limit=limit)


def _task_at(entrypoint: str) -> Task[..., Any]:
    from prefect._loading import load_object  # not for other commands
    from prefect.tasks import Task  # not for other commands

    found: Any = load_object(entrypoint)
    is_task = isinstance(found, Task)
    if not is_task:
        fail(f"Expected a task at {entrypoint}, got {type(found).__name__}. Decorate it with @task.")
    return found


def _tasks_of(module: str) -> list[Task[..., Any]]:
    import importlib  # not for other commands

    from prefect.tasks import Task  # not for other commands

    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as exc:
        fail(f"Expected a module {module!r}, found none ({exc}).")
    found: list[Task[..., Any]] = [one for _, one in inspect.getmembers(loaded) if isinstance(one, Task)]
    if not found:
        fail(f"Expected tasks in the module {module!r}, found none.")
    return found
