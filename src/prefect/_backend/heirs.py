"""What processes that are gone could not deliver: whoever speaks to the same server next does it for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prefect._backend.line import Away
from prefect._backend.spill import SpillFile, files
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefect._backend.backlog import Backlog
    from prefect._backend.line import Line
    from prefect._backend.spill import Entry

_AGAIN_SECONDS = 5.0
_log = logging.getLogger("prefect.journal")


class Heirs:
    """Delivers the files that others have left, once; see `prefect._backend.writer.Keeper`.

    Args:
        line: to the server.
        folder: of the files.
        backlog: sends an entry as it sends its own; files in which entries are others are left alone.
        bury: told the last entry of a file, once all of it is delivered.
    """

    def __init__(
        self, line: Line, folder: Path, backlog: Backlog, bury: Callable[[Entry], None] | None = None
    ) -> None:
        self._line = line
        self._folder = folder
        self._backlog = backlog
        self._bury = bury
        self._pending = bool(files(folder))

    def seconds_to_next(self) -> float | None:
        """While something is left: every few seconds."""
        return _AGAIN_SECONDS if self._pending else None

    def tick(self) -> None:
        """Deliver what can be delivered; what the server does not take now is tried again."""
        if not self._pending:
            return
        try:
            for path in files(self._folder):
                left = SpillFile.take(path)
                if left is not None:
                    self._deliver(left)
        except Away:
            return
        self._pending = False

    def _deliver(self, left: SpillFile) -> None:
        if (left.url, left.speech) != (self._line.access.url, self._backlog.speech):
            left.close()
            return
        rows, last = 0, None
        try:
            while (entry := left.first()) is not None:
                self._line.require_turn()
                self._backlog.send(entry)
                rows, last = rows + entry.weight, entry
                left.drop()
            if last is not None and self._bury is not None:
                self._bury(last)
        except StoreError:
            left.close()
            raise
        left.remove()
        _log.info("Delivered %d rows that a process had left in %s.", rows, left.path)
