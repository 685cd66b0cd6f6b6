"""The line that every task run ends with, cheaply.

Through `logging` a line costs 25 µs, most of it for finding the caller and for making a record that our own
console handler alone would read. So where nobody else listens the text is written without a record, which
costs 8; everywhere else it is logged as usual. It is not stored: the state it tells of is on record already.
"""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from prefect.logging._console import PrefectConsoleHandler
from prefect.logging.configuration import ensure_logging_setup
from prefect.logging.formatters import PrefectFormatter
from prefect.logging.handlers import APILogHandler

if TYPE_CHECKING:
    from collections.abc import Callable

_prefect = logging.getLogger("prefect")
_task_runs = logging.getLogger("prefect.task_runs")


def show_task_line(
    message: str, task_run_name: str, logger: Callable[[], logging.LoggerAdapter[Any]]
) -> None:
    """Show an INFO line of the task run whose logger `logger()` is."""
    ensure_logging_setup()
    if _task_runs.isEnabledFor(logging.INFO) and not _written(message, task_run_name):
        logger().info("%s", message, extra={"send_to_api": False})


def _written(message: str, task_run_name: str) -> bool:
    """Write the line without a record; False if somebody would miss the record."""
    console = _only_listener()
    if console is None:
        return False
    created = time.time()
    record: Any = SimpleNamespace(
        name=_task_runs.name,
        levelname="INFO",
        created=created,
        msecs=created % 1 * 1000,
        message=message,
        task_run_name=task_run_name,
    )
    try:
        line = cast("PrefectFormatter", console.formatter).format_known(record)
    except ValueError:  # a format of the user's own, that wants other fields
        return False
    console.acquire()
    try:
        console.write_line(line)
    finally:
        console.release()
    return True


def _only_listener() -> PrefectConsoleHandler | None:
    """Our console handler if it is as set up, and nobody else reads the records of task runs."""
    if logging.root.handlers or len(_prefect.handlers) != 1:
        return None
    console = _prefect.handlers[0]
    changed = (
        type(console) is not PrefectConsoleHandler
        or type(console.formatter) is not PrefectFormatter
        or console.level > logging.INFO
        or console.filters
        or _task_runs.filters
        or not _task_runs.propagate
        or any(type(other) is not APILogHandler for other in _task_runs.handlers)
        or logging.getLogRecordFactory() is not logging.LogRecord
    )
    return None if changed else cast("PrefectConsoleHandler", console)
