"""How commands speak: tables, JSON, times, questions and refusals; plain when piped."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import click

from prefect._base.clock import now_us, to_datetime, to_us
from prefect._base.tty import is_terminal, wants_colors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Cell: TypeAlias = "str | tuple[str, str]"
"""A cell of a table: its text, or its text and a colour such as "green"."""


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option of every command that reads: `--output json`, as the argument `output` (None or "json")."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["json"], case_sensitive=False),
        help="Print JSON instead of text.",
    )(command)


def print_json(data: Any) -> None:
    """Print `data` as JSON; what JSON does not know becomes its text."""
    import json  # 3 ms of import that text output does not need

    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str | None = None) -> None:
    """Print a table: drawn on a terminal, aligned columns without a title when piped."""
    if is_terminal(sys.stdout):
        _draw(columns, rows, title)
        return
    texts = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in texts) for index in range(len(columns))]
    for row in texts:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]


def _draw(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str | None) -> None:
    from rich.console import Console  # 60 ms of import, for terminals only
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else Text(*cell) for cell in row))
    Console(no_color=click.get_current_context().color is False).print(table)


def format_time(moment: datetime | int | None) -> str:
    """A time, relative and absolute in the local zone: `3 minutes ago (2026-11-22 16:01:05)`; empty for None.

    Args:
        moment: an aware datetime, or microseconds since the epoch.
    """
    if moment is None:
        return ""
    microseconds = moment if isinstance(moment, int) else to_us(moment)
    local = to_datetime(microseconds).astimezone()
    return f"{_relative(microseconds - now_us())} ({local:%Y-%m-%d %H:%M:%S})"


_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def _relative(microseconds: int) -> str:
    seconds = abs(microseconds) // 1_000_000
    for unit, length in _UNITS:
        if seconds >= length:
            count = seconds // length
            text = f"{count} {unit}{'' if count == 1 else 's'}"
            return f"in {text}" if microseconds > 0 else f"{text} ago"
    return "now"


def fail(message: str) -> NoReturn:
    """End the command with exit code 1 and `message` in red: expected X, got Y, do Z."""
    raise click.ClickException(message)


def print_error(message: str) -> None:
    """Print `message` to stderr, in red on a terminal."""
    click.secho(message, fg="red", err=True, color=wants_colors(sys.stderr))


def confirm(question: str) -> None:
    """Ask a person whether to go on; a "no" ends the command. Where nobody can be asked, go on."""
    from prefect.cli._session import current_session  # the session draws its output with this module

    if current_session().may_ask():
        click.confirm(question, abort=True)
