"""The live view: counts by task below the output of the run, and a summary at its end.

Its numbers come from the journal alone, after each commit, so that it can only show what is on record. It
never touches a stream of the program's (see `screen.py`), and a failure in it ends the view, not the run.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING
from uuid import UUID

from prefect._backend import journal
from prefect._base.tty import can_encode, wants_colors
from prefect._terminal.render import Heading, rows, summary
from prefect._terminal.screen import Screen
from prefect._terminal.tally import Tally
from prefect._terminal.text import Look
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.model.records import LogRecord, TaskRunRecord

DELAY_SECONDS = 1.0  # a run that is over sooner shows nothing
REFRESH_SECONDS = 1 / 6
MAX_ROWS = 10
MIN_LINES = 6  # a lower terminal is left to the output
_log = logging.getLogger("prefect.terminal")


class View:
    """One flow run's share in the display."""

    def __init__(self, display: Display, flow_run_id: bytes, flow_run_name: str, flow_name: str) -> None:
        self._display = display
        self._names = (str(UUID(bytes=flow_run_id)), flow_run_name, flow_name)
        self._began = time.monotonic()

    def heading(self, others: int = 0) -> Heading:
        """The run as it is shown now, `others` beside it."""
        return Heading(*self._names, time.monotonic() - self._began, others)

    def expect(self, flow_run_id: bytes, task_name: str, count: int) -> None:  # noqa: ARG002 - counted by task
        """So many runs of the task are going to be made in the flow run."""
        self._display.tally.expect(task_name, count)

    def stop(self, state_name: str, message: str | None = None) -> None:
        """The run has ended in this state: say so. The last one to stop takes the display away."""
        display = self._display
        try:
            with _sharing:
                display.views.remove(self)
                if not display.views:
                    display.end()
            display.report(self, state_name, message)
        except Exception:
            _log.debug("The live view failed at its end", exc_info=True)


class Display:
    """What all running views share: the tally, the block on the screen and the thread that draws it."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.views: list[View] = []
        self.ended = threading.Event()
        self._screen = Screen(sys.stderr.fileno(), sys.stderr.encoding)
        self._look = Look(
            colors=get_current_settings().logging.colors and wants_colors(sys.stderr),
            unicode=can_encode(sys.stderr, "━─…"),
        )
        self._lock = threading.Lock()  # held while writing to the screen
        self._drawn: tuple[object, float] | None = None
        self.pid = os.getpid()

    def begin(self) -> None:
        """Start counting, and drawing a second later."""
        journal.add_observer(self._observe)
        atexit.register(self._give_screen_back)
        threading.Thread(target=self._run, name="prefect-terminal", daemon=True).start()

    def end(self) -> None:
        """Give the terminal back."""
        journal.remove_observer(self._observe)
        self._give_screen_back()
        atexit.unregister(self._give_screen_back)

    def report(self, view: View, state_name: str, message: str | None) -> None:
        """Say how a run ended, unless it was over before anything was shown."""
        if self._drawn is None:
            return
        text = summary(view.heading(), state_name, message, self.tally.totals(), self._look)
        with self._lock, contextlib.suppress(OSError):
            self._screen.say(text)

    def _observe(self, task_rows: Sequence[TaskRunRecord], logs: Sequence[LogRecord]) -> None:  # noqa: ARG002
        self.tally.observe(task_rows)

    def _run(self) -> None:
        try:
            wait = DELAY_SECONDS
            while not self.ended.wait(wait):
                self._draw()
                wait = REFRESH_SECONDS
        except Exception:
            _log.debug("The live view failed; the run goes on without it", exc_info=True)
            self._give_screen_back()

    def _draw(self) -> None:
        views = tuple(self.views)
        if not views or not self._screen.is_ours():
            return
        width, lines = self._screen.size()
        height = min(MAX_ROWS, lines // 3) if lines >= MIN_LINES else 0
        tasks = list(self.tally.tasks.values())
        block = rows(views[0].heading(len(views) - 1), tasks, width - 1, height, self._look)
        now = time.monotonic()
        if self._drawn is None or self._drawn[0] != block or now - self._drawn[1] >= 1:
            with self._lock:
                if not self.ended.is_set():
                    self._screen.draw(block)
                    self._drawn = (block, now)

    def _give_screen_back(self) -> None:
        if os.getpid() != self.pid:  # a forked child must not touch its parent's terminal
            return
        with self._lock, contextlib.suppress(OSError):  # the terminal may be gone
            self.ended.set()
            self._screen.close()


_display: Display | None = None
_sharing = threading.Lock()  # held while a run joins or leaves


def open_view(flow_run_id: bytes, flow_run_name: str, flow_name: str) -> View | None:
    """A view of the flow run, in the display that is on or in a new one; None in a forked child."""
    global _display
    with _sharing:
        display = _display
        if display is not None and display.pid != os.getpid():
            return None
        if display is None or display.ended.is_set():
            display = _display = Display()
            display.begin()
        view = View(display, flow_run_id, flow_run_name, flow_name)
        display.views.append(view)
    return view
