"""Formatters for run logs: text with a form of its own for flow and task runs, and JSON lines."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any, Literal

from prefect.logging._tracebacks import format_for_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prefect.logging._tracebacks import ExcInfo

_STYLES: dict[str, Callable[..., logging.PercentStyle]] = {
    "%": logging.PercentStyle,
    "{": logging.StrFormatStyle,
    "$": logging.StringTemplateStyle,
}


class PrefectFormatter(logging.Formatter):
    """A `logging.Formatter` with formats of its own for records of flow runs and of task runs.

    A record without the run's fields (somebody logged to `prefect.flow_runs` directly) takes the general one.
    Tracebacks are shown without the engine's own frames.

    Args:
        format: for every other record.
        datefmt: `time.strftime` format of `%(asctime)s`.
        style: how the formats are written, as in `logging.Formatter`.
        validate: check the formats now.
        defaults: values for fields that a record lacks.
        task_run_fmt: for records of the logger `prefect.task_runs`.
        flow_run_fmt: for records of the logger `prefect.flow_runs`.

    Raises:
        ValueError: a format does not fit the style.
    """

    def __init__(
        self,
        format: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,
        *,
        defaults: Mapping[str, Any] | None = None,
        task_run_fmt: str | None = None,
        flow_run_fmt: str | None = None,
    ) -> None:
        super().__init__(format, datefmt, style, validate, defaults=defaults)
        self._run_styles: dict[str, logging.PercentStyle] = {}
        for logger, run_format in (("prefect.flow_runs", flow_run_fmt), ("prefect.task_runs", task_run_fmt)):
            if run_format is not None:
                self._run_styles[logger] = _STYLES[style](run_format, defaults=defaults)
                if validate:
                    self._run_styles[logger].validate()
        self._uses_time = any(each.usesTime() for each in (self._style, *self._run_styles.values()))
        self._second: tuple[int, str] = (-1, "")

    def usesTime(self) -> bool:  # noqa: N802 - the name is logging's
        """Whether any of the formats shows the time."""
        return self._uses_time

    def format(self, record: logging.LogRecord) -> str:
        """The record as text.

        Unlike `logging.Formatter` this neither reads nor sets `record.exc_text`: others want the whole
        traceback, this one shows the user's part of it.
        """
        record.message = record.getMessage()
        if self._uses_time:
            record.asctime = self.formatTime(record, self.datefmt)
        text = self.formatMessage(record)
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        elif record.exc_text:  # a record that came from another process or thread, already formatted
            text = f"{text}\n{record.exc_text}"
        if record.stack_info:
            text = f"{text}\n{self.formatStack(record.stack_info)}"
        return text

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """The record's line in the form for its logger."""
        run_style = self._run_styles.get(record.name)
        if run_style is not None:
            try:
                return run_style.format(record)
            except ValueError:  # how a style says that the record lacks a field
                pass
        return self._style.format(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """`%(asctime)s`; with a `datefmt` (which knows no fractions) it is made once a second."""
        if datefmt is None:
            return super().formatTime(record)
        second, text = self._second
        if second != int(record.created):
            text = super().formatTime(record, datefmt)
            self._second = (int(record.created), text)
        return text

    def formatException(self, ei: ExcInfo) -> str:  # noqa: N802
        """The traceback without the engine's own frames."""
        return format_for_user(ei)


class JsonFormatter(logging.Formatter):
    """One JSON object a record, with every attribute of it: `default` on one line, `pretty` indented.

    `exc_info` becomes an object (`type`, `message`, `traceback`); `severity` repeats the level's name for log
    collectors; what JSON cannot hold becomes text.

    Args:
        fmt: `default` or `pretty`.
        dmft: unused; `logging.config` passes a date format here.
        style: unused; `logging.config` passes a style here.

    Raises:
        ValueError: `fmt` is neither.
    """

    def __init__(
        self,
        fmt: Literal["pretty", "default"],
        dmft: str | None = None,  # noqa: ARG002 - see above
        style: str = "%",  # noqa: ARG002
    ) -> None:
        super().__init__()
        if fmt not in {"pretty", "default"}:
            raise ValueError(f"JsonFormatter: expected the format 'pretty' or 'default', got {fmt!r}.")
        self.fmt = fmt

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        import json  # 4 ms of import, only for those who log JSON

        fields = dict(record.__dict__)
        if record.exc_info:
            fields["exc_info"] = format_exception_info(record.exc_info)
        fields["severity"] = record.levelname
        if self.fmt == "pretty":
            return json.dumps(fields, indent=2, default=_as_json, ensure_ascii=False)
        return json.dumps(fields, separators=(",", ":"), default=_as_json, ensure_ascii=False)


def format_exception_info(exc_info: ExcInfo) -> dict[str, Any]:
    """`type`, `message` and `traceback` of an `exc_info` triple."""
    kind, error, frames = exc_info
    return {
        "type": kind.__name__ if kind is not None else None,
        "message": str(error) if error is not None else None,
        "traceback": "".join(traceback.format_tb(frames)) if frames is not None else None,
    }


def _as_json(value: Any) -> str:
    """What `json` cannot write: the types that people put into `extra` as text, others by name."""
    from datetime import date  # both are loaded already in any program that holds such values
    from uuid import UUID

    return str(value) if isinstance(value, (UUID, date)) else f"<non-serializable: {type(value).__name__}>"
