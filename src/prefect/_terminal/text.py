"""Text in terminal cells: how wide it is, cut to fit, coloured, and durations for people."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36}


class Look(NamedTuple):
    """What the terminal can show."""

    colors: bool = True
    unicode: bool = True

    def paint(self, text: str, style: str) -> str:
        """The text in a style of `_CODES`, or as it is."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.colors and text else text


def clean(text: str) -> str:
    """The text without what would move the cursor."""
    return "".join(char if char.isprintable() else "?" for char in text)


def cells(text: str) -> int:
    """How many columns the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(char) for char in text)


def fit(text: str, width: int) -> str:
    """The text in exactly `width` columns: padded, or cut with an ellipsis."""
    if cells(text) > width:
        kept, room = "", width - 1
        for char in text:
            room -= _cells_of(char)
            if room < 0:
                break
            kept += char
        text = f"{kept}…"[:width] if width > 0 else ""
    return text + " " * (width - cells(text))


def duration(seconds: float, *, tenths: bool = False) -> str:
    """47s, 2m 05s, 1h 02m; with `tenths`, and below ten seconds, 3.2s."""
    if tenths and seconds < 10:
        return f"{max(seconds, 0):.1f}s"
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"


def _cells_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
