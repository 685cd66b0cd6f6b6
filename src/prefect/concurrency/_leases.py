"""The leases that this process holds: one thread keeps them all."""

from __future__ import annotations

import os
import threading
import time
from contextvars import copy_context
from typing import TYPE_CHECKING, Final, NamedTuple

from prefect._api.errors import Refused
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.loggers import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from uuid import UUID

FRACTION: Final = 3  # a lease is renewed when a third of it is gone: two renewals may fail
GONE: Final = 410


class _Lease(NamedTuple):
    """One lease: how long it is (seconds), in which context it was taken, and who is told when it is lost."""

    seconds: float
    context: Context
    lost: Callable[[str], None]


class Leases:
    """See the module."""

    def __init__(self) -> None:
        self._held: dict[UUID, _Lease] = {}
        self._due: dict[UUID, float] = {}
        self._expires: dict[UUID, float] = {}
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None

    def keep(self, lease_id: UUID, seconds: float, lost: Callable[[str], None]) -> None:
        """Renew a lease from now on; `lost` is called, once, from the thread, where it cannot be kept."""
        now = time.monotonic()
        with self._lock:
            self._held[lease_id] = _Lease(seconds, copy_context(), lost)
            self._due[lease_id] = now + seconds / FRACTION
            self._expires[lease_id] = now + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="prefect-leases", daemon=True)
                self._thread.start()
        self._changed.set()

    def drop(self, lease_id: UUID) -> None:
        """Keep it no more."""
        with self._lock:
            self._held.pop(lease_id, None)
            self._due.pop(lease_id, None)
            self._expires.pop(lease_id, None)

    def after_fork(self) -> None:
        """In a child: the leases are the parent's."""
        self.__init__()

    def _serve(self) -> None:
        """Until none is held."""
        while True:
            with self._lock:
                if not self._held:
                    self._thread = None
                    return
                next_due = min(self._due.values())
            self._changed.wait(max(0.0, next_due - time.monotonic()))
            self._changed.clear()
            now = time.monotonic()
            with self._lock:
                due = [(one, self._held[one]) for one, when in self._due.items() if when <= now]
            for lease_id, lease in due:
                self._renew(lease_id, lease)

    def _renew(self, lease_id: UUID, lease: _Lease) -> None:
        began = time.monotonic()
        try:
            lease.context.run(_renew, lease_id, lease.seconds)
        except Exception as exc:
            self._failed(lease_id, lease, exc)
            return
        with self._lock:
            if lease_id in self._held:
                self._due[lease_id] = began + lease.seconds / FRACTION
                self._expires[lease_id] = began + lease.seconds

    def _failed(self, lease_id: UUID, lease: _Lease, exc: Exception) -> None:
        with self._lock:
            expires = self._expires.get(lease_id)
        if expires is None:  # it was given back meanwhile
            return
        if not _is_gone(exc) and time.monotonic() < expires:
            with self._lock:
                if lease_id in self._due:
                    self._due[lease_id] = time.monotonic() + min(5.0, lease.seconds / FRACTION / 4)
            return
        self.drop(lease_id)
        text = f"The lease on concurrency slots was lost ({exc}): somebody else may take them."
        get_logger("concurrency").warning("%s", text)
        lease.lost(text)


def _renew(lease_id: UUID, seconds: float) -> None:
    with get_client(sync_client=True) as client:
        client.renew_concurrency_lease(lease_id, seconds)


def _is_gone(exc: Exception) -> bool:
    if isinstance(exc, Refused):
        return exc.status == GONE
    return isinstance(exc, PrefectHTTPStatusError) and exc.response.status_code in {GONE, 404}


LEASES = Leases()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=LEASES.after_fork)
