"""What lives as long as a connection of its own: to lead, and to be woken."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prefect._storage.postgres_driver import psycopg
from prefect._storage.postgres_errors import is_outage
from prefect._storage.postgres_link import abandoned

if TYPE_CHECKING:
    from prefect._storage.postgres_link import Address, Connection
    from prefect._storage.postgres_transaction import PostgresTransaction

_SLICE_SECONDS: Final = 0.5  # so soon a listener that is closed notices
_PAUSE_SECONDS: Final = 1.0  # between two attempts to connect again
_PREFIX: Final = "pluperfect"


class Leadership:
    """Advisory locks on one connection: who loses it, by death or by a cut cable, leads no more."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._held: set[str] = set()

    def held(self, name: str) -> bool:
        """Whether this process leads; False also where nobody can tell, as the database does not answer."""
        with self._lock:
            try:
                return self._ask(name)
            except psycopg.Error as exc:
                self._drop()
                if not is_outage(exc):
                    raise
                return False

    def release(self) -> None:
        """Let others lead at once."""
        with self._lock:
            if self._connection is not None:
                with suppress(psycopg.Error):  # the end of the connection frees them too, a little later
                    self._connection.execute(b"SELECT pg_advisory_unlock_all()")
            self._drop()

    def abandon(self) -> None:
        """In a forked child: the parent goes on leading."""
        if self._connection is not None:
            abandoned.append(self._connection)
        self._lock, self._connection, self._held = threading.Lock(), None, set()

    def _ask(self, name: str) -> bool:
        if self._connection is None:
            self._connection = self._address.connect()
        if name in self._held:
            self._connection.execute(b"SELECT 1")  # fails where the connection, and with it the lock, is lost
            return True
        asked = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
        row = self._connection.execute(asked, (f"{_PREFIX}.{name}",)).fetchone()
        if not row or not row[0]:
            return False
        self._held.add(name)
        return True

    def _drop(self) -> None:
        self._held.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def notify(cx: PostgresTransaction, channel: str, payload: str) -> None:
    """Wake whoever listens, once the transaction is committed."""
    cx.execute("SELECT pg_notify(?, ?)", (f"{_PREFIX}_{channel}", payload))


class PostgresListener:
    """See `prefect._storage.protocol.Listener`."""

    def __init__(self, address: Address, channel: str) -> None:
        self._address = address
        self._channel = f"{_PREFIX}_{channel}"
        self._closed = threading.Event()
        self._waiting = threading.Lock()
        self._connection: Connection | None = self._connect()

    def wait(self, timeout: float) -> str | None:
        """See `Listener`."""
        deadline = time.monotonic() + timeout
        with self._waiting:
            while not self._closed.is_set():
                left = max(0.0, deadline - time.monotonic())
                try:
                    heard = self._hear(min(left, _SLICE_SECONDS))
                except psycopg.Error as exc:
                    if not is_outage(exc):
                        raise
                    self._drop()
                    heard = None
                    self._closed.wait(min(left, _PAUSE_SECONDS))
                if heard is not None or left == 0:
                    return heard
        return None

    def close(self) -> None:
        """See `Listener`. Takes half a second where somebody waits."""
        self._closed.set()
        with self._waiting:
            self._drop()

    def _hear(self, seconds: float) -> str | None:
        """The last of what is said within a time."""
        if self._connection is None:
            self._connection = self._connect()
            return ""  # what was said meanwhile was not heard
        heard = list(self._connection.notifies(timeout=seconds, stop_after=1))
        if heard:
            heard += self._connection.notifies(timeout=0)
        return heard[-1].payload if heard else None

    def _connect(self) -> Connection:
        made = self._address.connect()
        made.execute(f'LISTEN "{self._channel}"'.encode())
        return made

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
