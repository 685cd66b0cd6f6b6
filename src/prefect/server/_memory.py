"""What a store has said lately about users and tokens, and which passwords fitted."""

from __future__ import annotations

import hmac
import secrets
import threading
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from prefect._base.clock import now_us
from prefect._base.credentials import password_fits
from prefect.server.login_limit import LoginLimit, TooManyFailures

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend

FRESH_US: Final = 2_000_000
PASSWORD_US: Final = 300_000_000  # a password that fitted a hash is not hashed again for so long
BUSY_SECONDS: Final = 2.0
_MOST = 10_000


class MustWait(Exception):
    """The answer needs the store or a slow hash, and the caller cannot wait for them."""


class Memory:
    """One for each backend of this process."""

    def __init__(self) -> None:
        self.limit = LoginLimit()
        self._said: dict[Any, tuple[int, Any]] = {}
        self._fitted: dict[bytes, int] = {}
        self._key = secrets.token_bytes(32)  # what is remembered of a password is worth nothing elsewhere
        self._hashing = threading.BoundedSemaphore(2)  # each takes 19 MiB and a core

    def known(self, key: Any, ask: Callable[[], Any], *, wait: bool) -> Any:
        """What `ask` answered last, if that is fresh; else ask. Raises MustWait where that is not wanted."""
        now = now_us()
        found = self._said.get(key)
        if found is not None and 0 <= now - found[0] < FRESH_US:
            return found[1]
        if not wait:
            raise MustWait
        answer = ask()
        _make_room(self._said)
        self._said[key] = (now, answer)
        return answer

    def has_fitted(self, hashed: str | None, pair: str) -> bool:
        """Whether this `user:password` fitted the hash lately."""
        now = now_us()
        return 0 <= now - self._fitted.get(self._print(hashed, pair), -PASSWORD_US) < PASSWORD_US

    def fits(self, hashed: str | None, pair: str) -> bool:
        """Whether this `user:password` fits the hash: 20 ms of work, also where there is no hash.

        Raises TooManyFailures where so many others are being hashed that it would take long.
        """
        if not self._hashing.acquire(timeout=BUSY_SECONDS):
            raise TooManyFailures(1)
        try:
            fitted = password_fits(hashed, pair.partition(":")[2])
        finally:
            self._hashing.release()
        if fitted:
            _make_room(self._fitted)
            self._fitted[self._print(hashed, pair)] = now_us()
        return fitted

    def forget(self) -> None:
        """Believe nothing that was said before: users or tokens have changed."""
        self._said.clear()

    def _print(self, hashed: str | None, pair: str) -> bytes:
        return hmac.digest(self._key, f"{hashed}\n{pair}".encode("utf-8", "surrogateescape"), "sha256")


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _MOST:
        remembered.clear()


_lock = threading.Lock()
_memories: WeakKeyDictionary[LocalBackend, Memory] = WeakKeyDictionary()


def memory_of(backend: LocalBackend) -> Memory:
    """The memory of a backend."""
    found = _memories.get(backend)
    if found is None:
        with _lock:
            found = _memories.setdefault(backend, Memory())
    return found
