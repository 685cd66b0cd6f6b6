"""A terminal for tests: a pseudo terminal whose output is shown on an emulated screen."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import time

import pyte


class Terminal:
    """The person's side of a pseudo terminal; `stream` is the program's, as its stderr."""

    def __init__(self, columns=80, lines=24):
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=1)
        self._bytes = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, self.slave = os.openpty()
        self._set_size(columns, lines)
        self.stream = open(self.slave, "w", encoding="utf-8", buffering=1, closefd=False)

    def _set_size(self, columns, lines):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, columns, lines):
        """As when a window is drawn larger or smaller."""
        self._set_size(columns, lines)
        self.screen.resize(lines, columns)

    def type(self, text):
        """Press keys."""
        os.write(self.master, text.encode())

    def read(self, seconds=0.0):
        """Take in what was written; False if nothing came within the time."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # nobody has the other side open any more
            return False
        self.raw += data
        self._bytes.feed(data)
        return bool(data)

    def wait_for(self, text, seconds=20.0):
        """Read until the text is on the screen."""
        self.wait_until(lambda rows: text in "\n".join(rows), seconds)

    def wait_until(self, condition, seconds=20.0):
        """Read until the rows of the screen meet the condition."""
        deadline = time.monotonic() + seconds
        while not condition(self.rows()):
            left = deadline - time.monotonic()
            assert left > 0, "what was waited for never came; the screen:\n" + "\n".join(self.rows())
            self.read(min(left, 0.2))

    def drain(self):
        """Read all that has been written so far."""
        while self.read():
            pass

    def rows(self):
        """The visible rows, without the blanks at their ends."""
        return [row.rstrip() for row in self.screen.display]

    def everything(self):
        """What has scrolled away and what is visible, as text."""
        width = self.screen.columns
        past = ["".join(line[x].data for x in range(width)).rstrip() for line in self.screen.history.top]
        return past + self.rows()

    def is_restored(self):
        """Whether the whole screen scrolls again and the cursor shows."""
        return self.screen.margins is None and not self.screen.cursor.hidden

    def close(self):
        self.stream.close()
        os.close(self.slave)
        os.close(self.master)
