"""Log lines of a run, as the console shows them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import click

from prefect._backend.resolve import backend
from prefect._base.clock import to_datetime
from prefect._storage.filters import Condition
from prefect.cli._output import fail, print_json
from prefect.cli._runs import uuid_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prefect.model.records import LogRecord

DEFAULT_LINES: Final = 20  # of --head and --tail
_MOST_IDS = 500


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of the commands that print logs: `head`, `tail`, `num_logs`, `reverse`."""
    for option in (
        click.option("--reverse/--no-reverse", "-r", default=False, help="Newest first."),
        click.option(
            "--num-logs", "-n", type=click.IntRange(1), help="How many lines (20 with --head or --tail)."
        ),
        click.option("--tail/--no-tail", "-t", default=False, help="Only the last lines."),
        click.option("--head/--no-head", "-h", default=False, help="Only the first lines."),
    ):
        command = option(command)
    return command


def show_logs(
    *,
    head: bool,
    tail: bool,
    num_logs: int | None,
    reverse: bool,
    output: str | None,
    flow_run_id: bytes | None = None,
    task_run_id: bytes | None = None,
) -> None:
    """Print the log lines of one run."""
    if head and tail:
        fail("Expected --head or --tail, got both. Choose one.")
    limit = num_logs or (DEFAULT_LINES if head or tail else None)
    lines = backend().find_logs(
        flow_run_id=flow_run_id, task_run_id=task_run_id, limit=limit, newest_first=tail
    )
    if tail != reverse:
        lines.reverse()
    if output:
        print_json([_as_json(line) for line in lines])
    else:
        LogPrinter().print(lines)


class LogPrinter:
    """Prints lines as the console handler does, with the names of the runs they belong to."""

    def __init__(self) -> None:
        from prefect.logging._colors import paint  # logging's own rooms: only for commands that show lines
        from prefect.logging._default_config import default_config
        from prefect.logging.formatters import PrefectFormatter
        from prefect.settings import get_current_settings

        standard = default_config(get_current_settings())["formatters"]["standard"]
        self._formatter = PrefectFormatter(**{key: value for key, value in standard.items() if key != "()"})
        self._paint = paint if click.get_current_context().color else str
        self._names: dict[bytes, str] = {}

    def print(self, lines: Sequence[LogRecord]) -> None:
        """Print them in the given order."""
        self._learn_names(lines)
        for line in lines:
            text = self._formatter.format(self._record(line))
            click.echo(self._paint(text))

    def _learn_names(self, lines: Iterable[LogRecord]) -> None:
        flow_ids = {line.flow_run_id for line in lines if line.flow_run_id} - self._names.keys()
        task_ids = {line.task_run_id for line in lines if line.task_run_id} - self._names.keys()
        for some in _portions(flow_ids):
            found = backend().find_flow_runs(where=[Condition("id", "in", some)], limit=None)
            self._names |= {run.id: run.name for run in found}
        for some in _portions(task_ids):
            found = backend().find_task_runs(where=[Condition("id", "in", some)])
            self._names |= {run.id: run.name for run in found}

    def _record(self, line: LogRecord) -> logging.LogRecord:
        record = logging.LogRecord(line.name, line.level, "", 0, line.message, None, None)
        record.created = line.timestamp / 1_000_000
        record.msecs = line.timestamp // 1000 % 1000
        record.flow_run_name = self._name(line.flow_run_id)
        record.task_run_name = self._name(line.task_run_id)
        return record

    def _name(self, run_id: bytes | None) -> str:
        return self._names.get(run_id, uuid_text(run_id)) if run_id is not None else "<unknown>"


def _portions(ids: set[bytes]) -> list[list[bytes]]:
    listed = sorted(ids)
    return [listed[start : start + _MOST_IDS] for start in range(0, len(listed), _MOST_IDS)]


def _as_json(line: LogRecord) -> dict[str, Any]:
    return {
        "id": uuid_text(line.id),
        "timestamp": to_datetime(line.timestamp).isoformat(),
        "level": line.level,
        "name": line.name,
        "message": line.message,
        "flow_run_id": uuid_text(line.flow_run_id) if line.flow_run_id else None,
        "task_run_id": uuid_text(line.task_run_id) if line.task_run_id else None,
    }
