"""The engine's own lines about task runs, cheaply.

Every task run says "Finished in state ...". Through `logging` such a line costs 25 µs, most of it for finding
the caller and for making a record that our own handlers alone would read. So where nobody else listens, the
line and the row are written without a record, which costs 9; everywhere else it is logged as usual.
"""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from prefect._base.ids import new_id
from prefect.logging._console import PrefectConsoleHandler
from prefect.logging._ids import id_text
from prefect.logging._run_loggers import PrefectLogAdapter
from prefect.logging.configuration import ensure_logging_setup
from prefect.logging.formatters import PrefectFormatter
from prefect.logging.handlers import APILogHandler, logs_are_stored
from prefect.model.records import LogRecord

_prefect = logging.getLogger("prefect")
_task_runs = logging.getLogger("prefect.task_runs")


class TaskRunNames(NamedTuple):
    """Which task run a line is about."""

    task_run_id: bytes
    task_run_name: str
    task_name: str
    flow_run_id: bytes | None
    flow_run_name: str
    flow_name: str


def log_task_run(level: int, message: str, run: TaskRunNames) -> None:
    """What `task_run_logger(...).log(level, message)` does."""
    ensure_logging_setup()
    if _task_runs.isEnabledFor(level) and not _write_directly(level, message, run):
        extra = run._asdict()
        extra.update(task_run_id=id_text(run.task_run_id), flow_run_id=id_text(run.flow_run_id))
        PrefectLogAdapter(_task_runs, extra).log(level, message)


def _write_directly(level: int, message: str, run: TaskRunNames) -> bool:
    """Write the line and the row without a record; False if somebody would miss the record."""
    ours = _our_handlers(level)
    if ours is None:
        return False
    console, formatter, api = ours
    created = time.time()
    record: Any = SimpleNamespace(
        name=_task_runs.name,
        levelname=logging.getLevelName(level),
        created=created,
        msecs=created % 1 * 1000,
        message=message,
        task_run_name=run.task_run_name,
    )
    try:
        line = formatter.format_known(record)
    except ValueError:  # a format of the user's own, that wants other fields
        return False
    console.acquire()
    try:
        console.write_line(line)
    finally:
        console.release()
    moment = int(created * 1_000_000)
    api.put(LogRecord(new_id(), moment, level, _task_runs.name, message, run.flow_run_id, run.task_run_id))
    return True


def _our_handlers(level: int) -> tuple[PrefectConsoleHandler, PrefectFormatter, APILogHandler] | None:
    """The handlers of task run records if they are ours, as set up, and the only ones."""
    if logging.root.handlers or len(_prefect.handlers) != 1 or len(_task_runs.handlers) != 1:
        return None
    console, api = _prefect.handlers[0], _task_runs.handlers[0]
    if not (type(console) is PrefectConsoleHandler and type(api) is APILogHandler):
        return None
    formatter = console.formatter
    changed = (
        type(formatter) is not PrefectFormatter
        or api.formatter
        or max(console.level, api.level) > level
        or _task_runs.filters
        or console.filters
        or api.filters
        or not _task_runs.propagate
        or not logs_are_stored()
        or logging.getLogRecordFactory() is not logging.LogRecord
    )
    return None if changed else (console, cast("PrefectFormatter", formatter), api)
