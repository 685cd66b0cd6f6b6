"""Tokens: what stands for a user where nobody types a password."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import missing
from prefect._api.limits import page_of
from prefect._api.users import required_user
from prefect._base.clock import now_us, to_datetime
from prefect._base.credentials import new_token
from prefect._base.ids import new_id
from prefect._storage import clauses
from prefect._storage.accounts import ACCOUNTS, TOKENS, TokenRecord
from prefect.model.requests.users import FilterTokens, TokenCreate
from prefect.model.users import NewToken, Token

if TYPE_CHECKING:
    from collections.abc import Sequence


@endpoint("POST", "/tokens/", status=201, role="admin")
def create_token(api: Api, body: TokenCreate) -> NewToken:
    """Make a token of a user; only this answer holds its text. Raises ObjectNotFound for the user."""
    now = now_us()
    token_id = new_id()
    text, digest = new_token(token_id)
    expires = now + round(body.expires_in * 1_000_000) if body.expires_in is not None else None
    with api.store.write() as cx:
        user = required_user(cx, body.user)
        record = TokenRecord(token_id, user.id, body.name, digest, now, expires, None)
        TOKENS.insert(cx, record)
    return NewToken.model_validate({**_shown(record, user.name), "token": text})


@endpoint("POST", "/tokens/filter", role="admin")
def read_tokens(api: Api, body: FilterTokens | None = None) -> list[Token]:
    """Tokens, newest first: those of a user, or all. Raises ObjectNotFound for the user."""
    asked = body or FilterTokens()
    conditions: list[clauses.Clause] = []
    if asked.user is not None:
        conditions.append(clauses.compare("account_id", "=", required_user(api.store, asked.user).id))
    found = TOKENS.find(api.store, conditions, order="id DESC", **page_of(asked))
    names = _names(api, found)
    return [Token.model_validate(_shown(record, names[record.account_id])) for record in found]


@endpoint("DELETE", "/tokens/{id}", status=204, role="admin")
def revoke_token(api: Api, id: UUID) -> None:
    """Revoke a token, for good; it stays in the list. Raises ObjectNotFound."""
    with api.store.write() as cx:
        record = TOKENS.read(cx, id=id.bytes)
        if record is None:
            raise missing("Token")
        if record.revoked is None:
            TOKENS.update(cx, record.id, {"revoked": now_us()})


def _names(api: Api, records: Sequence[TokenRecord]) -> dict[bytes, str]:
    wanted = sorted({record.account_id for record in records})
    return {user.id: user.name for user in ACCOUNTS.find(api.store, [clauses.any_of("id", wanted)])}


def _shown(record: TokenRecord, user: str) -> dict[str, object]:
    """Everything but the digest."""
    return {
        "id": UUID(bytes=record.id),
        "created": to_datetime(record.created),
        "name": record.name,
        "user": user,
        "expires": None if record.expires is None else to_datetime(record.expires),
        "revoked": None if record.revoked is None else to_datetime(record.revoked),
    }
