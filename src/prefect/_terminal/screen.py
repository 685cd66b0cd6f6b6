"""A block of rows pinned to the bottom of a terminal, with everything else scrolling above it.

The rows above are made the terminal's scrolling region (DECSTBM, which every terminal since the VT100 has).
So nobody's output need pass through here to stay whole: prints, logs, partial lines, a progress bar of the
user's own, a question and its answer, what a child process writes - all of it goes where the cursor is, and
that stays in the region. The block is drawn around it: save the cursor, write, restore it, in one `write`.
"""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAVE, _RESTORE = "\x1b7", "\x1b8"
_CLEAR_BELOW, _CLEAR_LINE = "\x1b[J", "\x1b[K"
_INDEX = "\x1bD"  # a line down in the same column, scrolling where there is none


class Screen:
    """The terminal behind a file descriptor, and the block on it."""

    def __init__(self, fd: int, encoding: str = "utf-8") -> None:
        self._fd = fd
        self._encoding = encoding
        self._size = (0, 0)
        self._reserved = 0

    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal, now."""
        return os.get_terminal_size(self._fd)

    def is_ours(self) -> bool:
        """Whether the process is in the terminal's foreground; in the background it must not draw."""
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:  # not the terminal that controls this process: there is no background then
            return True

    def draw(self, rows: Sequence[str]) -> None:
        """Show these rows as the block; it grows with them, and moves when the terminal's size changes."""
        size = self.size()
        out = ""
        if size != self._size:
            out += self._give_back()
            self._size = size
        if len(rows) > self._reserved:
            out += self._reserve(len(rows))
        lines = size[1]
        top = lines - self._reserved
        out += f"{_SAVE}\x1b[1;{top}r"  # said anew each time: an editor or pager may have changed it
        for number in range(self._reserved):
            text = rows[number] if number < len(rows) else ""
            out += f"\x1b[{top + number + 1};1H{text}{_CLEAR_LINE}"
        self._write(out + _RESTORE)

    def close(self) -> None:
        """Take the block away and give the whole terminal back; the cursor stays where the output ended."""
        out = self._give_back()
        if out:
            self._write(out)

    def say(self, text: str) -> None:
        """Write lines of text as output, starting on a line of their own.

        Where the cursor stands is unknown. So many blanks as fit in one line leave it on this line if it was
        at the line's beginning, and on the next otherwise.
        """
        self._write(" " * (self.size()[0] - 1) + f"\r{_CLEAR_LINE}" + text.replace("\n", "\r\n") + "\r\n")

    def _reserve(self, wanted: int) -> str:
        """Make room below the cursor, which thereby ends up inside the smaller region."""
        more = wanted - self._reserved
        self._reserved = wanted
        return _INDEX * more + f"\x1b[{more}A"

    def _give_back(self) -> str:
        """Make the whole screen scroll again, without the block."""
        if not self._reserved:
            return ""
        top, self._reserved = self._size[1] - self._reserved, 0
        if self.size() == self._size:
            return f"{_SAVE}\x1b[r\x1b[{top + 1};1H{_CLEAR_BELOW}{_RESTORE}"
        # The terminal has moved the rows about: all that is known is that the block is below the cursor.
        return f"{_SAVE}\x1b[r{_RESTORE}{_CLEAR_BELOW}"

    def _write(self, text: str) -> None:
        data = text.encode(self._encoding, "replace")
        while data:
            data = data[self._write_some(data) :]

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:  # a child process has made the terminal non-blocking
            select.select([], [self._fd], [], 1)
            return 0
