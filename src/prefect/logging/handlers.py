"""Where run logs go: to the console, and to the store through the journal."""

from __future__ import annotations

import atexit
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any

from prefect._backend import journal
from prefect._base.clock import to_datetime, to_us
from prefect._base.ids import new_id
from prefect.exceptions import MissingContextError
from prefect.logging._console import PrefectConsoleHandler
from prefect.logging._ids import id_bytes, id_text, run_ids_in_context
from prefect.model.records import LogRecord
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["APILogHandler", "PrefectConsoleHandler", "emit_api_log", "set_api_log_sink"]

_sink: Callable[[dict[str, Any]], None] | None = None
_exiting = False


def _note_exit() -> None:
    global _exiting
    _exiting = True


# `logging.shutdown` flushes every handler after the journal has written its rest and closed; flushing then
# would open the store anew. Exit hooks run backwards, so this one runs before both.
atexit.register(_note_exit)


def set_api_log_sink(sink: Callable[[dict[str, Any]], None] | None) -> None:
    """Give every log that would be stored to `sink` instead, as the dictionary of `APILogHandler.prepare`.

    None stores them again.
    """
    global _sink
    _sink = sink


def emit_api_log(log: dict[str, Any]) -> None:
    """Store (or give to the sink) a log in the form of `APILogHandler.prepare`."""
    if _sink is not None:
        _sink(log)
    else:
        journal.put_log(_row_of(log))


class APILogHandler(logging.Handler):
    """Stores the logs of runs, by way of the journal: nothing waits for the disk here.

    The run is named by `flow_run_id` and `task_run_id` of the record, else it is the run in whose context the
    call is made. A record with `send_to_api` False is left out; one that belongs to no run is left out too,
    after what `PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW` says. Logs of more bytes than
    `PREFECT_LOGGING_TO_API_MAX_LOG_SIZE` are cut, with a note at the end.
    """

    def __init__(self, level: int | str = logging.NOTSET) -> None:
        super().__init__(level)
        self._warned: dict[Any, Any] = {}

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and emit without the handler's lock: the journal has its own, and may have to write."""
        passed = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record, if it is wanted.

        Raises:
            MissingContextError: it belongs to no run and the setting says `error`.
        """
        settings = get_current_settings().logging.to_api
        if not settings.enabled or not record.__dict__.get("send_to_api", True):
            return
        try:
            if _sink is not None:
                _sink(self.prepare(record))
            else:
                journal.put_log(self._row(record, settings.max_log_size))
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Do with a record of no run what the setting says; report any other failure as logging does.

        Raises:
            MissingContextError: the setting says `error`.
        """
        error = sys.exc_info()[1]
        if not isinstance(error, MissingContextError):
            super().handleError(record)
            return
        wanted = get_current_settings().logging.to_api.when_missing_flow
        if wanted == "error":
            raise error
        if wanted == "warn":  # once for each line of code that logs
            warnings.warn_explicit(
                str(error), UserWarning, record.pathname, record.lineno, registry=self._warned
            )

    def prepare(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record as the API has it: name, level, message, timestamp, flow_run_id, task_run_id.

        Raises:
            MissingContextError: it belongs to no run.
        """
        row = self._row(record, get_current_settings().logging.to_api.max_log_size)
        return {
            "name": row.name,
            "level": row.level,
            "message": row.message,
            "timestamp": to_datetime(row.timestamp).isoformat(),
            "flow_run_id": row.flow_run_id and id_text(row.flow_run_id),
            "task_run_id": row.task_run_id and id_text(row.task_run_id),
        }

    def flush(self) -> None:
        """Return once every log so far is on disk."""
        if not _exiting:
            journal.commit()

    @classmethod
    async def aflush(cls) -> None:
        """Return once every log so far is on disk, without blocking the event loop."""
        import asyncio  # 30 ms of import that sync programs never need

        await asyncio.to_thread(journal.commit)

    def _row(self, record: logging.LogRecord, limit: int) -> LogRecord:
        fields = record.__dict__
        flow_run_id, task_run_id = id_bytes(fields.get("flow_run_id")), id_bytes(fields.get("task_run_id"))
        if flow_run_id is None and task_run_id is None:
            flow_run_id, task_run_id = run_ids_in_context()
            if flow_run_id is None and task_run_id is None:
                raise MissingContextError(
                    f"Logger {record.name!r} stores the logs of runs: expected a flow or task run around the "
                    "call, found none. Log inside a run, pass extra={'flow_run_id': ...}, or set "
                    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW=ignore."
                )
        plain = not (self.formatter or record.exc_info or record.exc_text or record.stack_info)
        message = _storable(record.getMessage() if plain else self.format(record), limit)
        timestamp = int(record.created * 1_000_000)
        return LogRecord(new_id(), timestamp, record.levelno, record.name, message, flow_run_id, task_run_id)


def _storable(message: str, limit: int) -> str:
    """The message as the store can keep it: UTF-8 of at most `limit` bytes (but never less than the note)."""
    if len(message) * 4 <= limit and message.isascii():
        return message
    encoded = message.encode("utf-8", "backslashreplace")  # a lone surrogate, as in an undecodable file name
    if len(encoded) > limit:
        note = (
            f"… [cut: {len(encoded):,} bytes are more than PREFECT_LOGGING_TO_API_MAX_LOG_SIZE={limit}]"
        ).encode()
        encoded = encoded[: max(0, limit - len(note))] + note
    return encoded.decode("utf-8", "ignore")


def _row_of(log: dict[str, Any]) -> LogRecord:
    from datetime import datetime  # loaded already wherever somebody prepared a log

    moment = log["timestamp"]
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))  # Python 3.10 knows no Z
    return LogRecord(
        new_id(),
        to_us(moment),
        log["level"],
        log["name"],
        log["message"],
        id_bytes(log.get("flow_run_id")),
        id_bytes(log.get("task_run_id")),
    )
