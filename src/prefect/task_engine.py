"""Run a task by hand: what code that works beneath `@task` imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._base.drive import drive, drive_async
from prefect._engine import run as engine
from prefect._engine.task_run import TaskRunTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from prefect.tasks import Task

__all__ = ["TaskRunTimeoutError", "run_task", "run_task_async", "run_task_sync"]


def run_task_sync(  # noqa: PLR0917 - the signature of the API
    task: Task[..., Any],
    task_run_id: UUID | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[Any] | None = None,
    return_type: str = "result",
    dependencies: dict[str, set[Any]] | None = None,
) -> Any:
    """Run a task here, under a given run id if there is one; its result, or its state with `return_type="state"`.

    Raises:
        Exception: what the function raises, unless the state is asked for.
    """
    call = engine.make_call(
        task,
        task.binder.completed(parameters or {}),
        wait_for=wait_for,
        dependencies=dependencies,
        run_id=task_run_id,
    )
    drive(engine.task_run(call))
    return call.state if return_type == "state" else call.answer()


async def run_task_async(  # noqa: PLR0917 - the signature of the API
    task: Task[..., Any],
    task_run_id: UUID | None = None,
    parameters: dict[str, Any] | None = None,
    wait_for: Iterable[Any] | None = None,
    return_type: str = "result",
    dependencies: dict[str, set[Any]] | None = None,
) -> Any:
    """`run_task_sync` for an asynchronous task."""
    call = engine.make_call(
        task,
        task.binder.completed(parameters or {}),
        wait_for=wait_for,
        dependencies=dependencies,
        run_id=task_run_id,
    )
    await drive_async(engine.task_run(call))
    return call.state if return_type == "state" else call.answer()


def run_task(task: Task[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a task of either kind; of an asynchronous one, a coroutine."""
    return (run_task_async if task.isasync else run_task_sync)(task, *args, **kwargs)
