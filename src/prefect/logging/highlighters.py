"""What rich needs to colour log lines. This imports rich (40 ms), so only who asks for it comes here."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.errors import MarkupError
from rich.highlighter import RegexHighlighter
from rich.text import Text
from rich.theme import Theme

from prefect.logging._colors import HIGHLIGHTS, STYLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.highlighter import Highlighter


class PrefectConsoleHighlighter(RegexHighlighter):
    """Marks levels, URLs, run names and states, in styles named `log.<what>`."""

    base_style = "log."
    highlights = list(HIGHLIGHTS)  # noqa: RUF012 - the declaration is rich's


def rich_writer(
    stream: TextIO,
    *,
    highlighter: type[Highlighter],
    styles: dict[str, str],
    markup: bool,
    colors: bool,
) -> Callable[[str], None]:
    """A function that writes a text to the stream through rich; without colours it only resolves markup."""
    theme = Theme({**{f"log.{name}": style for name, style in STYLES.items()}, **styles}, inherit=False)
    console = Console(
        file=stream,
        theme=theme,
        highlight=False,
        color_system="auto" if colors else None,
        force_terminal=colors or None,
    )
    highlight = highlighter()

    def write(text: str) -> None:
        try:
            shown = Text.from_markup(text) if markup else Text(text)
        except MarkupError:
            shown = Text(text)  # brackets that are no markup: show what was logged
        highlight.highlight(shown)
        console.print(shown, soft_wrap=True)

    return write
