"""Which backend is in force: decided by the settings, opened once, never shared across a fork."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from prefect._backend.local import LocalBackend
from prefect._backend.retention import Policy
from prefect._storage.opening import open_store
from prefect.exceptions import StoreError
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._backend.protocol import Backend

_open: dict[str, LocalBackend] = {}
_lock = threading.Lock()
_last: tuple[Any, LocalBackend] | None = None


def backend() -> Backend:
    """The backend of the settings in force, opened at its first use.

    Raises:
        StoreError: the store cannot be opened.
        ConfigurationError: the database URL is not understood.
    """
    return local_backend()


def local_backend() -> LocalBackend:
    """The backend on the store that the settings name, opened at its first use; also where a server is named.

    Raises:
        StoreError: the store cannot be opened.
        ConfigurationError: the database URL is not understood.
    """
    global _last
    settings = get_current_settings()
    last = _last
    if last is not None and last[0] is settings:
        return last[1]
    url = str(settings.server.database.connection_url)
    with _lock:
        found = _open.get(url)
        if found is None:
            found = _open[url] = _connect(url, settings)
            found.reap()
        _last = (settings, found)
    return found


def close(url: str | None = None) -> None:
    """Close the backend of a database URL, or every one: what is queued is written first."""
    global _last
    with _lock:
        _last = None
        for key in [url] if url is not None else list(_open):
            found = _open.pop(key, None)
            if found is not None:
                found.close()


def _connect(url: str, settings: Any) -> LocalBackend:
    return LocalBackend(
        open_store(url, settings.server.database),
        lease_seconds=settings.runs.lease_seconds,
        poll_seconds=settings.runs.cancel_poll_seconds,
        max_rows=settings.journal.max_rows,
        retention=retention_policy(settings),
    )


def retention_policy(settings: Any) -> Policy:
    """How long and how much the settings keep."""
    database = settings.server.database
    return Policy(database.retention_days, database.max_bytes)


def _after_fork() -> None:
    """A child opens its own connections; the parent's journal and lease stay the parent's."""
    global _last, _lock
    _last = None
    _lock = threading.Lock()
    for inherited in _open.values():
        inherited.abandon()
    _open.clear()


def _close_at_exit() -> None:
    """What cannot be written any more is said in a line, not in a traceback that nobody can catch."""
    try:
        close()
    except StoreError as exc:
        print(f"What was recorded last was not written: {exc}", file=sys.stderr)  # noqa: T201 - logging has ended


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
