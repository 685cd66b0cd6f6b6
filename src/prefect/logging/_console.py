"""Logs for people: on a terminal, or wherever stderr is piped to."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

from prefect._base.tty import wants_colors
from prefect.logging._colors import paint
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.highlighter import Highlighter

    _StreamHandler = logging.StreamHandler[TextIO]
else:
    _StreamHandler = logging.StreamHandler  # not subscriptable before Python 3.11


_elsewhere: TextIO | None = None


def write_to(descriptor: int) -> None:
    """Send what is for people to this file instead of stderr, in a process whose own stderr is kept as its run's logs.

    What is logged is in the run's logs already, and would stand there twice.
    """
    global _elsewhere
    _elsewhere = open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - no path; as long as the process


class PrefectConsoleHandler(_StreamHandler):
    """Writes logs for people: coloured where the terminal allows, plain where the output is piped.

    Args:
        stream: where to; None is whatever `sys.stderr` is at the time.
        highlighter: a rich highlighter class to use instead of our own colours.
        styles: rich styles by name (`{"log.web_url": "bold blue"}`) that replace ours.
        level: the lowest level shown.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        highlighter: type[Highlighter] | None = None,
        styles: dict[str, str] | None = None,
        level: int | str = logging.NOTSET,
    ) -> None:
        super().__init__(stream)
        self.setLevel(level)
        self._given = stream
        self._highlighter = highlighter
        self._styles = styles
        self._write_for: tuple[TextIO, Callable[[str], None]] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        try:
            self._write_line(self.format(record))
            if logging.root.handlers:
                _keep_plain_handlers_from_repeating(record, self.stream)
        except RecursionError:
            raise
        except Exception:
            self.handleError(record)

    def _write_line(self, text: str) -> None:
        stream = self._given or _elsewhere or sys.stderr
        if stream is None:  # a process without a console
            return
        if self._write_for is None or self._write_for[0] is not stream:
            self.stream = stream
            self._write_for = (stream, self._writer(stream))
        self._write_for[1](text)

    def _writer(self, stream: TextIO) -> Callable[[str], None]:
        settings = get_current_settings().logging
        colors = settings.colors and wants_colors(stream)
        customized = self._highlighter is not None or self._styles is not None
        if settings.markup or (colors and customized):
            from prefect.logging.highlighters import PrefectConsoleHighlighter, rich_writer  # rich: 40 ms

            return rich_writer(
                stream,
                highlighter=self._highlighter or PrefectConsoleHighlighter,
                styles=self._styles or {},
                markup=settings.markup,
                colors=colors,
            )

        def write(text: str) -> None:
            stream.write(f"{paint(text) if colors else text}\n")
            stream.flush()

        return write


def _keep_plain_handlers_from_repeating(record: logging.LogRecord, stream: TextIO) -> None:
    """Keep `logging.basicConfig()` from showing our lines a second time.

    It (and the first call of `logging.info()`) puts a plain handler for stderr on the root logger, to which
    our records propagate. That handler goes on showing everything else; handlers that the application made
    for a purpose (files, JSON, pytest's) get our records as ever.
    """
    for other in logging.root.handlers:
        is_plain = type(other) is logging.StreamHandler and type(other.formatter) is logging.Formatter
        if is_plain and other.__dict__["stream"] is stream:
            record.__dict__["_shown"] = True
            other.addFilter(_not_shown)  # adding it again changes nothing


def _not_shown(record: logging.LogRecord) -> bool:
    return not getattr(record, "_shown", False)
