"""The journal in force, as functions: what logging and the terminal view use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._backend.resolve import backend

if TYPE_CHECKING:
    from prefect._backend.writer import Observer
    from prefect.model.records import LogRecord


def put_log(line: LogRecord) -> None:
    """Queue a log line; the writer thread commits it soon."""
    backend().journal.put_log(line)


def commit() -> None:
    """The barrier: everything put before is on disk when this returns. Raises StoreError."""
    backend().journal.commit()


def add_observer(observer: Observer) -> None:
    """Call `observer(task_rows, logs)` after each commit, in order."""
    backend().journal.add_observer(observer)


def remove_observer(observer: Observer) -> None:
    """Stop calling it."""
    backend().journal.remove_observer(observer)
