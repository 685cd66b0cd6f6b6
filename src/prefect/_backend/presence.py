"""This process as an executor: its lease, and who asks its runs to stop.

Running means a live lease: while this process executes flow runs, one row in `process` says so and is renewed
from the journal's thread. The same thread looks whether one of them was asked to cancel.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from prefect._base import procinfo
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import flow_runs, processes
from prefect.model.records import ProcessRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._storage.protocol import Store, Transaction

ATTENDING = b"task-worker"  # in the place of a run: of who executes background runs
_log = logging.getLogger("prefect.journal")


class Presence:
    """The lease of this process in one store, and the flow runs it executes."""

    def __init__(self, store: Store, *, lease_seconds: float, poll_seconds: float) -> None:
        self.id = new_id()
        self._store = store
        self.lease_us = round(lease_seconds * 1_000_000)
        self._poll_seconds = poll_seconds
        self._runs: dict[bytes, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._watching = False
        self._registered = False
        self._renew_at = 0
        self._seen_change = -1

    def register(self, cx: Transaction) -> bytes:
        """Take the lease, in the caller's transaction, unless it is held; the owner id for its runs."""
        if not self._registered:
            now = now_us()
            processes.insert(cx, self._record(now))
            self._renew_at = now + self.lease_us // 3
            self._registered = True  # last: from here on `tick` renews
        return self.id

    def enter(self, run_id: bytes, cancel: Callable[[], None]) -> bool:
        """This process executes the run from now on; `cancel` is called (once) when somebody asks it to stop.

        False where nobody looks for that: `tick` has to be called, now and whenever `seconds_to_next` says.
        """
        self._runs[run_id] = cancel
        return self._watching  # second: `tick` has seen the run, or has been seen to stop

    def leave(self, run_id: bytes) -> None:
        """The run has ended."""
        self._runs.pop(run_id, None)

    def is_busy(self) -> bool:
        """Whether this process executes flow runs just now."""
        return bool(self._runs)

    def seconds_to_next(self) -> float | None:
        """When `tick` has work again: at every poll, until one has found no runs."""
        return self._poll_seconds if self._watching else None

    def tick(self) -> None:
        """Renew the lease when a third of it is gone; look for cancellations when somebody else has written."""
        self._watching = False  # first: see `enter`
        if not self._runs:
            return
        self._watching = True
        if not self._registered:
            return
        now = now_us()
        if now >= self._renew_at:
            self._renew(now)
        change = self._store.changed_elsewhere()
        if change != self._seen_change:
            self._seen_change = change
            self._deliver_cancellations()

    def close(self) -> None:
        """Give the lease back."""
        with self._lock:
            if self._registered and not self._runs:
                self._registered = False
                with self._store.write() as cx:
                    processes.remove(cx, self.id)

    def _renew(self, now: int) -> None:
        record = self._record(now)
        with self._store.write() as cx:
            if not processes.renew(cx, record):
                _log.warning("The lease of this process had expired; taking it again")
                processes.insert(cx, record)
        self._renew_at = now + self.lease_us // 3

    def _deliver_cancellations(self) -> None:
        for run_id in flow_runs.cancelling(self._store, self.id):
            cancel = self._runs.get(run_id)
            if cancel is not None:
                cancel()

    def _record(self, now: int) -> ProcessRecord:
        return own_record(self.id, now, now + self.lease_us)


def own_record(process_id: bytes, started: int, lease_until: int) -> ProcessRecord:
    """This process, as it stands now. Times are microseconds UTC."""
    pid = os.getpid()
    return ProcessRecord(
        id=process_id,
        host=procinfo.host_name(),
        boot_id=procinfo.boot_id(),
        pid=pid,
        pid_start=procinfo.start_ticks(pid),
        lease_until=lease_until,
        started=started,
        oom_kills=procinfo.oom_kills(),
        peak_memory=procinfo.peak_memory(),
    )
