"""What waits to be sent to a server: entries, in order, in memory and then in a file (see `spill`).

Entries go to the file while the server is away: when there are too many, at a barrier, and when the process ends.
How an entry is sent is the subclass's: `outbox` speaks to servers of ours, `public_sink` to Prefect's.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from prefect._backend.line import Away
from prefect._backend.spill import BATCHES, Entry, SpillFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefect._backend.line import Line

_log = logging.getLogger("prefect.journal")


class Backlog:
    """Entries on their way to one server. Sent one after the other, each until it is answered.

    Args:
        line: to the server.
        name: of this process's file.
        folder: of such files.
        max_rows: how many rows and lines may wait in memory.
    """

    speech = BATCHES

    def __init__(self, line: Line, name: str, folder: Path, *, max_rows: int) -> None:
        self._line = line
        self._name = name
        self._folder = folder
        self._max_rows = max_rows
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        self._queue: deque[Entry] = deque()
        self._file: SpillFile | None = None  # what is in it comes before the queue
        self._last = 0

    def send(self, entry: Entry) -> Any:
        """Send one entry; what the server answers. Raises Away."""
        raise NotImplementedError

    def sent(self, entry: Entry, said: Any) -> None:
        """The server has answered an entry."""

    def locked(self) -> threading.RLock:
        """The lock under which entries are numbered."""
        return self._lock

    def enqueue(self, weight: int, content: bytes) -> None:
        """Put an entry of so many rows and lines at the end, under the next number."""
        with self._lock:
            self._last += 1
            self._queue.append(Entry(self._last, weight, content))

    def settle(self, *, barrier: bool) -> None:
        """Send what waits. While the server is away, a barrier is passed once it is in the file.

        Raises:
            StoreError: the server is away, and the file cannot be written.
        """
        try:
            self.deliver()
        except Away:
            if barrier or self.weight() > self._max_rows:
                self._spill()

    def deliver(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Send what waits, in order, one after the other, until nothing is left or it is `enough`.

        Raises:
            Away: the server does not answer, or is to be left alone yet.
        """
        with self._sending:
            while not enough() and (entry := self._first()) is not None:
                self._line.require_turn()
                self._done(entry, self.send(entry))

    def seconds_to_next(self) -> float | None:
        """When `tick` has something to send."""
        return None if self.is_empty() else max(0.01, self._line.seconds_to_next_try())

    def tick(self) -> None:
        """Send what waits, if it is time to."""
        self.settle(barrier=False)

    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._queue and self._file is None

    def weight(self) -> int:
        """How many rows and lines wait in memory."""
        with self._lock:
            return sum(entry.weight for entry in self._queue)

    def drain(self, seconds: float | None) -> None:
        """Send what waits, also if that takes a while: at most `seconds`, or the line's patience, where it is away."""
        deadline = self._line.deadline(seconds)
        while not self.is_empty():
            self._line.wait(deadline)
            try:
                self.deliver()
            except Away:
                if time.monotonic() >= deadline:
                    return

    def close(self) -> None:
        """What is left stays in the file, for whoever comes next. Raises StoreError where it cannot be written."""
        with self._lock:
            if self._queue:
                self._spill()
            if self._file is not None:
                _log.warning(
                    "%d rows could not be delivered to %s. They wait in %s; the next process with this "
                    "PREFECT_API_URL delivers them.",
                    self._file.weight,
                    self._line.access.url,
                    self._file.path,
                )
                self._file.close()
                self._file = None

    def abandon(self) -> None:
        """In a forked child: let go of what the parent goes on using."""
        if self._file is not None:
            self._file.abandon()

    def _first(self) -> Entry | None:
        with self._lock:
            if self._file is not None:
                return self._file.first()
            return self._queue[0] if self._queue else None

    def _done(self, entry: Entry, said: Any) -> None:
        with self._lock:
            self.sent(entry, said)
            if self._file is None:
                self._queue.popleft()
                return
            self._file.drop()
            if self._file.is_empty():
                self._file.remove()
                self._file = None

    def _spill(self) -> None:
        """Move everything that waits in memory into the file."""
        with self._lock:
            if self._queue and self._file is None:
                url = self._line.access.url
                self._file = SpillFile.make(self._folder, self._name, url, speech=self.speech)
            while self._queue and self._file is not None:
                self._file.append(self._queue[0])
                self._queue.popleft()
