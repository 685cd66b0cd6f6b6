"""The audit log's writer: entries are gathered in memory and committed together, a few milliseconds later.

A change does not wait for its entry, but no change is made while entries cannot be written and many wait.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from prefect._storage import audit
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend
    from prefect._storage.audit import AuditRecord

MOST_WAITING: Final = 10_000
RETRY_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.02  # an entry waits for others; a commit costs as much for a hundred as for one
_log = logging.getLogger("prefect.server.audit")


class Trail:
    """The queue and its thread, which starts with the first entry."""

    def __init__(self, backend: Callable[[], LocalBackend]) -> None:
        self._backend = backend
        self._entries: deque[AuditRecord] = deque()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, entry: AuditRecord) -> None:
        """Have an entry written."""
        self._entries.append(entry)
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def is_full(self) -> bool:
        """Whether too many entries wait."""
        return len(self._entries) >= MOST_WAITING

    def flush(self) -> None:
        """Write what waits, now. Raises StoreError; the entries stay."""
        with self._lock:
            waiting = tuple(self._entries)
            if not waiting:
                return
            with self._backend().store.write() as cx:
                audit.insert(cx, waiting)
            for _ in waiting:
                self._entries.popleft()

    def close(self) -> None:
        """Write what waits, and end the thread. Raises StoreError where it cannot be written."""
        self._closed.set()
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        self._closed.clear()
        self.flush()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prefect-audit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait()
            self._closed.wait(GATHER_SECONDS)
            self._wake.clear()
            try:
                self.flush()
            except StoreError as exc:
                _log.error("%s %d entries of the audit log wait.", exc, len(self._entries))
                self._wake.set()
                self._closed.wait(RETRY_SECONDS)
