"""CSRF tokens for the pages of browsers."""

from __future__ import annotations

import secrets
from typing import Final
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._base.clock import now_us, to_datetime
from prefect._base.credentials import digest, same
from prefect._base.ids import new_id
from prefect._storage import csrf
from prefect.model.users import CsrfToken
from prefect.settings import get_current_settings

LASTS_US: Final = 3_600_000_000
_LONGEST_CLIENT = 200


def protects() -> bool:
    """Whether the settings ask for CSRF tokens."""
    return bool(get_current_settings().server.api.csrf_protection_enabled)


@endpoint("GET", "/csrf-token")
def create_csrf_token(api: Api, client: str) -> CsrfToken:
    """A new token for a client, in the place of its last one. Raises Refused where the settings ask for none."""
    if not protects():
        raise Refused("CSRF protection is disabled.")
    if len(client) > _LONGEST_CLIENT:
        raise Refused(f"client: expected up to {_LONGEST_CLIENT} characters, got {len(client)}.")
    token, now = secrets.token_hex(32), now_us()
    with api.store.write() as cx:
        kept = csrf.replace(cx, csrf.CsrfRecord(client, new_id(), digest(token), now, now, now + LASTS_US))
    return CsrfToken(
        id=UUID(bytes=kept.id),
        created=to_datetime(kept.created),
        updated=to_datetime(kept.updated),
        token=token,
        client=client,
        expiration=to_datetime(kept.expires),
    )


def is_valid(api: Api, client: str, token: str) -> bool:
    """Whether this is the client's token, and has not expired."""
    found = csrf.read(api.store, client)
    return found is not None and same(found.digest, digest(token)) and found.expires > now_us()
