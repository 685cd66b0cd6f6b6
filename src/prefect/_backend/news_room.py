"""News of flow runs, for who waits for some in this process: one thread looks for all of them, as the store is written.

What a run is told is its state and what was sent to it; a mark says which of that somebody has seen.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from prefect._backend.awaited import Awaited
from prefect._storage import run_inputs
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from prefect._storage.protocol import Store

CHANNEL: Final = "runs"  # on which a store that is told of writes tells of runs
LOOK_SECONDS: Final = 1.0  # without any news
PAUSE_SECONDS: Final = 0.02  # between two looks while somebody writes all the time


class Reader(Awaited[str]):
    """One who waits for news of a run; the answer is the new mark."""

    def __init__(self, run_id: bytes, seen: str) -> None:
        super().__init__()
        self.run_id = run_id
        self.seen = seen


class NewsRoom:
    """See the module.

    Args:
        store: where the runs are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._readers: set[Reader] = set()
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    def mark(self, run_id: bytes) -> str:
        """How things stand with a run. Raises StoreError."""
        return run_inputs.mark(self._store, run_id)

    def read(self, run_id: bytes, seen: str) -> Reader:
        """Wait until the mark of a run is another one."""
        reader = Reader(run_id, seen)
        with self._lock:
            self._readers.add(reader)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="prefect-news", daemon=True)
                self._thread.start()
        self._arrived.set()
        mark = self.mark(run_id)
        if mark != seen:  # since the caller has looked
            self.leave(reader)
            reader.settle(mark)
        return reader

    def leave(self, reader: Reader) -> None:
        """Wait no more."""
        with self._lock:
            self._readers.discard(reader)

    def close(self) -> None:
        """Nobody waits any more: each is told that there is no answer."""
        with self._lock:
            readers, self._readers = self._readers, set()
            thread, self._thread = self._thread, None
        for reader in readers:
            reader.settle(None)
        self._arrived.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)

    # --- the thread ---------------------------------------------------------------------------------

    def _serve(self) -> None:
        """Until nobody waits."""
        news = self._store.listen_closely(CHANNEL)
        try:
            while self._is_wanted():
                self._arrived.clear()
                try:
                    self._look()
                except StoreError:  # it may be there again at the next look
                    time.sleep(LOOK_SECONDS)
                if not self._arrived.wait(PAUSE_SECONDS):
                    news.wait(LOOK_SECONDS)
        finally:
            news.close()

    def _is_wanted(self) -> bool:
        with self._lock:
            if self._readers and self._thread is threading.current_thread():
                return True
            if self._thread is threading.current_thread():
                self._thread = None
            return False

    def _look(self) -> None:
        with self._lock:
            readers = list(self._readers)
        for reader in readers:
            mark = self.mark(reader.run_id)
            if mark != reader.seen:
                self.leave(reader)
                reader.settle(mark)
