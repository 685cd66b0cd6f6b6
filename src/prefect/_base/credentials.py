"""Passwords and tokens: how they are made, kept and compared.

A password is chosen by a person, so it is kept as an argon2id hash that is slow to guess from. A token is 256 random
bits: nobody guesses it, a slow hash would only make every request slow (20 ms against 1 µs), and SHA-256 keeps a copy
of the store from being used. Comparisons take the same time wherever two values differ.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

TOKEN_PREFIX = "plu"  # noqa: S105 - so that scanners for leaked secrets can find tokens
_ID_DIGITS = 32


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and cost in it."""
    return _hasher().hash(password)


def password_fits(hashed: str | None, password: str) -> bool:
    """Whether the password is the one of the hash. Takes as long where there is no hash (nobody of that name)."""
    from argon2.exceptions import InvalidHashError, VerificationError  # 15 ms of import, for servers only

    try:
        _hasher().verify(hashed or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


def new_token(token_id: bytes) -> tuple[str, bytes]:
    """A new token for the id, and the digest that is kept of it."""
    text = f"{TOKEN_PREFIX}_{token_id.hex()}_{secrets.token_urlsafe(32)}"
    return text, digest(text)


def token_id_of(text: str) -> bytes | None:
    """The id in a token; None where the text is none."""
    prefix, _, rest = text.partition("_")
    token_id, separator, _ = rest.partition("_")
    if prefix != TOKEN_PREFIX or not separator or len(token_id) != _ID_DIGITS:
        return None
    try:
        return bytes.fromhex(token_id)
    except ValueError:
        return None


def digest(text: str) -> bytes:
    """SHA-256, for secrets with enough randomness of their own."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are equal, in constant time."""
    return hmac.compare_digest(one, other)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # 15 ms of import, for servers only

    # the second recommendation of OWASP's password storage cheat sheet: 19 MiB keep a server small that checks several
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return hash_password(secrets.token_urlsafe(16))
