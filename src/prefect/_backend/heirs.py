"""What processes that are gone could not deliver: whoever speaks to the same server next does it for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prefect._backend import wire
from prefect._backend.http_presence import GONE
from prefect._backend.line import Away
from prefect._backend.outbox import post
from prefect._backend.spill import SpillFile, files
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from prefect._backend.line import Line

_AGAIN_SECONDS = 5.0
_log = logging.getLogger("prefect.journal")


class Heirs:
    """Delivers the files that others have left, once; see `prefect._backend.writer.Keeper`."""

    def __init__(self, line: Line, folder: Path) -> None:
        self._line = line
        self._folder = folder
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
        if left.url != self._line.access.url:
            left.close()
            return
        rows, last = 0, None
        try:
            while (entry := left.first()) is not None:
                self._line.require_turn()
                post(self._line, entry, self._folder)
                rows, last = rows + entry.weight, entry
                left.drop()
            if last is not None:
                sender = wire.loads(last.content)
                self._line.post(GONE, wire.dumps({"process": sender["process"], "runs": []}))
        except StoreError:
            left.close()
            raise
        left.remove()
        _log.info("Delivered %d rows that a process had left in %s.", rows, left.path)
