"""Who looks at a page, and whether a change comes from a page of ours.

A browser that has logged in carries a cookie: a token of the user's, which can be listed and revoked like any other,
or, for the auth string of the settings, a stamp of it with an end. It opens pages only, never the API. A change must
carry the token of its page's form, equal to a cookie that no other site can read, and come from the same origin.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote
from uuid import UUID

from prefect._api.actor import Actor
from prefect._base.clock import now_us
from prefect._base.credentials import same, token_id_of
from prefect.server.auth import AUTH_STRING, actor_of_token
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prefect._backend.local import LocalBackend

SESSION: Final = "prefect-session"
CSRF: Final = "prefect-csrf"
LASTS_SECONDS: Final = 43_200
_STAMP = "string."


def cookies_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The cookies of a request; none where they cannot be read."""
    try:
        return {name: unquote(one.value) for name, one in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def who(backend: LocalBackend, cookies: Mapping[str, str]) -> Actor | None:
    """Whose session it is; None for nobody's. Raises StoreError."""
    session = cookies.get(SESSION, "")
    if session.startswith(_STAMP):
        return Actor(AUTH_STRING, "admin") if _is_stamp(session) else None
    return actor_of_token(backend, session) if session else None


def token_of(session: str) -> UUID | None:
    """The id of the token that a session is; None where it is none."""
    token_id = token_id_of(session)
    return UUID(bytes=token_id) if token_id is not None else None


def stamp() -> str:
    """The session of whoever has shown the auth string."""
    end = str(now_us() + LASTS_SECONDS * 1_000_000)
    return f"{_STAMP}{end}.{_sealed(end)}"


def new_csrf() -> str:
    """A token for the forms of a browser."""
    return secrets.token_urlsafe(24)


def is_ours(headers: Mapping[str, str], cookie: str, sent: str) -> bool:
    """Whether a change was sent by a page of ours."""
    if not cookie or not same(cookie.encode(), sent.encode()):
        return False
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _is_stamp(session: str) -> bool:
    end, _, seal = session.removeprefix(_STAMP).partition(".")
    return same(seal.encode(), _sealed(end).encode()) and end.isdigit() and int(end) > now_us()


def _sealed(end: str) -> str:
    """What nobody can make without the auth string; worth nothing once it is another."""
    key = get_current_settings().server.api.auth_string or secrets.token_hex()
    return hmac.new(key.encode(), f"prefect-ui {end}".encode(), hashlib.sha256).hexdigest()
