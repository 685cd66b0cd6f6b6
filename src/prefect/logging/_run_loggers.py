"""Loggers of runs: which run logs travels in the extra fields of the record, as text."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import MissingContextError
from prefect.logging._ids import id_bytes, id_text
from prefect.logging.configuration import ensure_logging_setup

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, MutableMapping
    from typing import TypeAlias
    from uuid import UUID

    LoggingAdapter: TypeAlias = logging.LoggerAdapter[logging.Logger]
else:
    LoggingAdapter = logging.LoggerAdapter  # not subscriptable before Python 3.11

UNKNOWN = "<unknown>"
_flow_runs = logging.getLogger("prefect.flow_runs")
_task_runs = logging.getLogger("prefect.task_runs")
_disabled = 0


class PrefectLogAdapter(LoggingAdapter):
    """A logger with fields of its own in every record; fields given to a single call are added to them."""

    extra: Mapping[str, object]  # type: ignore[assignment] - never None here

    def __init__(self, logger: logging.Logger, extra: Mapping[str, object] | None = None) -> None:
        super().__init__(logger, extra or {})

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the fields to a call's own."""
        own = kwargs.get("extra")
        kwargs["extra"] = {**self.extra, **own} if own else self.extra
        return msg, kwargs

    def getChild(self, suffix: str, extra: Mapping[str, object] | None = None) -> PrefectLogAdapter:  # noqa: N802
        """An adapter of the child logger, with these fields and the given ones."""
        return PrefectLogAdapter(self.logger.getChild(suffix), {**self.extra, **(extra or {})})


def get_logger(name: str | None = None) -> logging.Logger:
    """The logger `prefect`, or the one of that name below it; `prefect.` in front may be left out."""
    ensure_logging_setup()
    if not name:
        return logging.getLogger("prefect")
    return logging.getLogger(name if name.startswith("prefect.") else f"prefect.{name}")


def get_run_logger(
    context: FlowRunContext | TaskRunContext | None = None, **kwargs: Any
) -> logging.Logger | LoggingAdapter:
    """The logger of the run in whose context this is called (behaviour 62).

    Args:
        context: of another run.
        kwargs: more fields for its records.

    Raises:
        MissingContextError: there is no run, and `disable_run_logger` is not on.
        TypeError: the context is of another type.
    """
    found = context or TaskRunContext.get() or FlowRunContext.get()
    if found is not None:
        return logger_of_context(found, **kwargs)
    if _disabled:
        return logging.getLogger("null")
    raise MissingContextError("There is no active flow or task run context.")


def logger_of_context(context: FlowRunContext | TaskRunContext, **kwargs: Any) -> PrefectLogAdapter:
    """The logger of the context's run. Raises TypeError if it is no context."""
    if isinstance(context, TaskRunContext):
        return task_run_logger(context.record, context.task, **kwargs)
    if isinstance(context, FlowRunContext):
        return flow_run_logger(context.record, context.flow, **kwargs)
    raise TypeError(
        "get_run_logger(context=...): expected a FlowRunContext, a TaskRunContext or None, "
        f"got {type(context).__name__}."
    )


def flow_run_logger(
    flow_run: Any = None, flow: Any = None, flow_run_id: UUID | str | bytes | None = None, **kwargs: Any
) -> PrefectLogAdapter:
    """The logger of a flow run, for hooks and other code outside of its context.

    Args:
        flow_run: anything with its `id` and `name`.
        flow: anything with a `name`.
        flow_run_id: instead of `flow_run`, where only the id is known.
        kwargs: more fields for its records.

    Raises:
        ValueError: neither `flow_run` nor `flow_run_id` is given.
    """
    ensure_logging_setup()
    if flow_run is None and flow_run_id is None:
        raise ValueError("flow_run_logger: expected flow_run or flow_run_id, got neither.")
    return PrefectLogAdapter(
        _flow_runs,
        {
            "flow_run_name": flow_run.name if flow_run is not None else UNKNOWN,
            "flow_run_id": id_text(flow_run.id if flow_run is not None else flow_run_id),
            "flow_name": flow.name if flow is not None else UNKNOWN,
            **kwargs,
        },
    )


def task_run_logger(
    task_run: Any, task: Any = None, flow_run: Any = None, flow: Any = None, **kwargs: Any
) -> PrefectLogAdapter:
    """The logger of a task run, for hooks and other code outside of its context.

    Args:
        task_run: anything with its `id`, `name` and `flow_run_id`.
        task: anything with a `name`.
        flow_run: anything with a `name`; by default the flow run in whose context this is called.
        flow: of that flow run, likewise.
        kwargs: more fields for its records.
    """
    ensure_logging_setup()
    context = FlowRunContext.get()
    if context is not None and context.record.id == id_bytes(task_run.flow_run_id):
        flow_run, flow = flow_run or context.record, flow or context.flow
    return PrefectLogAdapter(
        _task_runs,
        {
            "task_run_id": id_text(task_run.id),
            "flow_run_id": id_text(task_run.flow_run_id),
            "task_run_name": task_run.name,
            "task_name": task.name if task is not None else UNKNOWN,
            "flow_run_name": flow_run.name if flow_run is not None else UNKNOWN,
            "flow_name": flow.name if flow is not None else UNKNOWN,
            **kwargs,
        },
    )


@contextmanager
def disable_logger(name: str) -> Generator[None, None, None]:
    """Silence a logger within the block."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def disable_run_logger() -> Generator[None, None, None]:
    """Silence the loggers of runs within the block; `get_run_logger` then works outside of runs too.

    For the tests of functions that log: `with disable_run_logger(): my_task.fn()`.
    """
    global _disabled
    with disable_logger("prefect.flow_runs"), disable_logger("prefect.task_runs"), disable_logger("null"):
        _disabled += 1
        try:
            yield
        finally:
            _disabled -= 1
