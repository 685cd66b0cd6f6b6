"""Who asks: the auth string of the settings, users with passwords, users' tokens.

A server is open while no auth string is set and no user exists; from then on every request is authenticated. What the
store says about a user or a token is believed for `FRESH_US`, so that a request costs no query; a change made through
this process counts at once (`forget`), one made by another process or the command line after that time.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from prefect._api.actor import Actor
from prefect._base.clock import now_us
from prefect._base.credentials import digest, password_fits, same, token_id_of
from prefect._storage.accounts import ACCOUNTS, AccountRecord, any_account, holder_of
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend

FRESH_US = 2_000_000
PASSWORD_US = 300_000_000  # a password that fitted a hash is not hashed again for so long
AUTH_STRING = "auth string"  # the name of whoever uses it; no user can have it, because of the space
_MOST = 10_000


def is_open(backend: LocalBackend) -> bool:
    """Whether the server asks nobody for a name: no auth string is set, and no user exists."""
    return _auth_string() is None and not _memory_of(backend).known("any", lambda: any_account(backend.store))


def actor_of_token(backend: LocalBackend, token: str | None) -> Actor | None:
    """Who shows this token: a user's token, or `user:password`, or the auth string; None for nobody.

    What the first message of a websocket carries. Raises StoreError.
    """
    if not token:
        return None
    return _of_token(backend, token) or actor_of_password(backend, token)


def actor_of_header(backend: LocalBackend, header: str | None) -> Actor | None:
    """Who an `Authorization` header stands for: `Bearer TOKEN`, or `Basic base64(user:password)`."""
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return _of_token(backend, value.strip())
    if scheme.lower() == "basic":
        return actor_of_password(backend, _decoded(value.strip()))
    return None


def actor_of_password(backend: LocalBackend, pair: str) -> Actor | None:
    """Who `user:password` stands for: the auth string of the settings, or a user."""
    expected = _auth_string()
    if expected is not None and same(digest(pair), digest(expected)):
        return Actor(AUTH_STRING, "admin")
    name, separator, password = pair.partition(":")
    memory = _memory_of(backend)
    if not separator or not memory.known("any", lambda: any_account(backend.store)):
        return None
    found: AccountRecord | None = memory.known(
        ("name", name), lambda: ACCOUNTS.read(backend.store, name=name)
    )
    if not memory.fits(found, pair, password):
        return None
    assert found is not None
    return Actor(found.name, found.role)


def forget(backend: LocalBackend) -> None:
    """Believe nothing that the store said before: users or tokens have changed."""
    _memory_of(backend).clear()


def _of_token(backend: LocalBackend, text: str) -> Actor | None:
    token_id = token_id_of(text)
    if token_id is None:
        return None
    holder = _memory_of(backend).known(("token", token_id), lambda: holder_of(backend.store, token_id))
    if holder is None or not same(holder.digest, digest(text)) or holder.revoked is not None:
        return None
    if holder.expires is not None and holder.expires <= now_us():
        return None
    return Actor(holder.name, holder.role)


def _auth_string() -> str | None:
    return get_current_settings().server.api.auth_string or None


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return ""


class _Memory:
    """What a store has said lately, and which passwords fitted."""

    def __init__(self) -> None:
        self._said: dict[Any, tuple[int, Any]] = {}
        self._fitted: dict[bytes, int] = {}
        self._key = secrets.token_bytes(32)  # what is remembered of a password is worth nothing elsewhere
        self._hashing = threading.BoundedSemaphore(2)  # each takes 19 MiB and a core

    def known(self, key: Any, ask: Callable[[], Any]) -> Any:
        """What `ask` answered last, if that is fresh; else ask."""
        now = now_us()
        found = self._said.get(key)
        if found is not None and 0 <= now - found[0] < FRESH_US:
            return found[1]
        answer = ask()
        _make_room(self._said)
        self._said[key] = (now, answer)
        return answer

    def fits(self, account: AccountRecord | None, pair: str, password: str) -> bool:
        """Whether the password is the user's. Costs a slow hash only if it has not fitted the same one lately."""
        hashed = account.password if account else None
        key = hmac.digest(self._key, f"{hashed}\n{pair}".encode("utf-8", "surrogateescape"), "sha256")
        now = now_us()
        if 0 <= now - self._fitted.get(key, now - PASSWORD_US) < PASSWORD_US:
            return True
        with self._hashing:
            fitted = password_fits(hashed, password)
        if fitted:
            _make_room(self._fitted)
            self._fitted[key] = now
        return fitted

    def clear(self) -> None:
        """Forget everything."""
        self._said.clear()
        self._fitted.clear()


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= _MOST:
        remembered.clear()


_lock = threading.Lock()
_memories: WeakKeyDictionary[LocalBackend, _Memory] = WeakKeyDictionary()


def _memory_of(backend: LocalBackend) -> _Memory:
    found = _memories.get(backend)
    if found is None:
        with _lock:
            found = _memories.setdefault(backend, _Memory())
    return found
