"""Who asks: the auth string of the settings, users with passwords, users' tokens.

A server is open while no auth string is set and no user exists; from then on every request is authenticated. What the
store says about a user or a token is believed for two seconds, so that a request costs no query; a change made
through this process counts at once (`forget`), one made by another process or the command line after that time.

A token is checked by SHA-256, which costs a microsecond, a password by argon2id, which costs 20 ms by design; a
password that has fitted is remembered for five minutes, or until the user's password changes. With `wait=False` the
functions raise MustWait instead of asking the store or hashing: an event loop asks so, and goes to a thread then.
"""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Final

from prefect._api.actor import Actor
from prefect._base.clock import now_us
from prefect._base.credentials import digest, same, token_id_of
from prefect._storage.accounts import ACCOUNTS, any_account, holder_of
from prefect.server._memory import MustWait, memory_of
from prefect.server.login_limit import TooManyFailures
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect._backend.local import LocalBackend

AUTH_STRING: Final = "auth string"  # the name of whoever uses it; no user can have it, because of the space
_log = logging.getLogger("prefect.server.auth")


def is_open(backend: LocalBackend, *, wait: bool = True) -> bool:
    """Whether the server asks nobody for a name: no auth string is set, and no user exists."""
    return _auth_string() is None and not _has_users(backend, wait)


def actor_of_token(backend: LocalBackend, token: str | None) -> Actor | None:
    """Who shows this token: a user's token, `user:password`, or the auth string; None for nobody.

    What the first message of a websocket carries. Raises StoreError.
    """
    if not token:
        return None
    try:
        return _of_token(backend, token, wait=True) or actor_of_password(backend, token)
    except TooManyFailures:
        return None


def actor_of_header(
    backend: LocalBackend, header: str | None, *, address: str = "", wait: bool = True
) -> Actor | None:
    """Who an `Authorization` header stands for: `Bearer TOKEN`, or `Basic base64(user:password)`.

    Raises:
        TooManyFailures: the address has shown too many wrong passwords.
        MustWait: see the module.
    """
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return _of_token(backend, value.strip(), wait=wait)
    if scheme.lower() == "basic":
        return actor_of_password(backend, _decoded(value.strip()), address=address, wait=wait)
    return None


def actor_of_password(
    backend: LocalBackend, pair: str, *, address: str = "", wait: bool = True
) -> Actor | None:
    """Who `user:password` stands for: the auth string of the settings, or a user. Raises as `actor_of_header`."""
    memory, name = memory_of(backend), pair.partition(":")[0]
    account = None
    if _has_users(backend, wait):
        account = memory.known(("name", name), lambda: ACCOUNTS.read(backend.store, name=name), wait=wait)
    hashed = account.password if account else None
    if account is not None and memory.has_fitted(hashed, pair):
        return Actor(account.name, account.role)
    memory.limit.check(address, name)
    expected = _auth_string()
    if expected is not None and same(digest(pair), digest(expected)):
        return Actor(AUTH_STRING, "admin")
    if not wait:
        raise MustWait
    # a name that nobody has costs the same hash, so that time does not tell who exists
    if _has_users(backend, wait) and memory.fits(hashed, pair) and account is not None:
        return Actor(account.name, account.role)
    memory.limit.failed(address, name)
    _log.warning("Refused a password for %.64r from %s", name, address or "a websocket")
    return None


def forget(backend: LocalBackend) -> None:
    """Believe nothing that the store said before: users or tokens have changed."""
    memory_of(backend).forget()


def _of_token(backend: LocalBackend, text: str, *, wait: bool) -> Actor | None:
    token_id = token_id_of(text)
    if token_id is None:
        return None
    holder = memory_of(backend).known(
        ("token", token_id), lambda: holder_of(backend.store, token_id), wait=wait
    )
    if holder is None or not same(holder.digest, digest(text)) or holder.revoked is not None:
        return None
    if holder.expires is not None and holder.expires <= now_us():
        return None
    return Actor(holder.name, holder.role)


def _has_users(backend: LocalBackend, wait: bool) -> bool:
    return memory_of(backend).known("any", lambda: any_account(backend.store), wait=wait)


def _auth_string() -> str | None:
    return get_current_settings().server.api.auth_string or None


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return ""
