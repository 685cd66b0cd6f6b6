"""The loggers of runs, `print` as a log, and a way to listen in."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prefect.logging._prints import patch_print, print_as_log
from prefect.logging._run_loggers import (
    PrefectLogAdapter,
    disable_logger,
    disable_run_logger,
    flow_run_logger,
    get_logger,
    get_run_logger,
    task_run_logger,
)

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "LogEavesdropper",
    "PrefectLogAdapter",
    "disable_logger",
    "disable_run_logger",
    "flow_run_logger",
    "get_logger",
    "get_run_logger",
    "patch_print",
    "print_as_log",
    "task_run_logger",
]


class LogEavesdropper(logging.Handler):
    """Collects what a logger says within a `with` block.

    Args:
        eavesdrop_on: the logger's name.
        level: the lowest level collected.
    """

    def __init__(self, eavesdrop_on: str, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.eavesdrop_on = eavesdrop_on
        self.formatter = logging.Formatter("[%(levelname)s]: %(message)s")
        self._lines: list[str] = []

    def __enter__(self) -> Self:
        logging.getLogger(self.eavesdrop_on).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(self.eavesdrop_on).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record's text."""
        self._lines.append(self.format(record))

    def text(self) -> str:
        """All that was said, a line a record."""
        return "\n".join(self._lines)
