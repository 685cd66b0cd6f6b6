"""Which backend is in force: decided by the settings, opened once, never shared across a fork."""

from __future__ import annotations

import atexit
import contextlib
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
    from prefect._backend.connecting import Access
    from prefect._backend.http import HttpBackend
    from prefect._backend.protocol import Backend
    from prefect._backend.public import PublicBackend

_open: dict[str, LocalBackend] = {}
_servers: dict[Access, HttpBackend | PublicBackend] = {}
_lock = threading.Lock()
_last: tuple[Any, LocalBackend] | None = None
_last_server: tuple[Any, HttpBackend | PublicBackend] | None = None


def backend() -> Backend:
    """The backend of the settings in force, opened at its first use: a server's where `PREFECT_API_URL` names one.

    Raises:
        StoreError: the store cannot be opened.
        ConfigurationError: the database URL is not understood.
    """
    settings = get_current_settings()
    last = _last_server
    if last is not None and last[0] is settings:
        return last[1]
    return local_backend() if settings.api.url is None else _server_backend(settings)


def _server_backend(settings: Any) -> HttpBackend | PublicBackend:
    from prefect._backend.connecting import access_of  # only programs with a server speak HTTP
    from prefect._backend.servers import open_backend  # only programs with a server speak HTTP

    global _last_server
    access = access_of(settings, settings.api.url)
    with _lock:
        found = _servers.get(access)
        if found is None:
            found = _servers[access] = open_backend(settings)
        _last_server = (settings, found)
    return found


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
    """Close the backend of a database URL, or every one, servers' too: what is queued is written first."""
    global _last, _last_server
    with _lock:
        _last = _last_server = None
        found = [_open.pop(key, None) for key in ([url] if url is not None else list(_open))]
        servers = [_servers.pop(key) for key in list(_servers) if url in {None, key.url}]
    with contextlib.ExitStack() as closing:
        for one in (*found, *servers):
            if one is not None:
                closing.callback(one.close)


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
    global _last, _last_server, _lock
    _last = _last_server = None
    _lock = threading.Lock()
    for inherited in (*_open.values(), *_servers.values()):
        inherited.abandon()
    _open.clear()
    _servers.clear()


def _close_at_exit() -> None:
    """What cannot be written any more is said in a line, not in a traceback that nobody can catch."""
    try:
        close()
    except StoreError as exc:
        print(f"What was recorded last was not written: {exc}", file=sys.stderr)  # noqa: T201 - logging has ended


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
