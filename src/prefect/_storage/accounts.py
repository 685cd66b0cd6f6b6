"""Users of the server, and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prefect._storage.table import Table

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Transaction


class AccountRecord(NamedTuple):
    """A user: `password` is a hash, or None where the user has only tokens."""

    id: bytes
    name: str
    role: str
    password: str | None
    created: int
    updated: int


class TokenRecord(NamedTuple):
    """A token: its digest, never itself. `expires` and `revoked` are times, None for never."""

    id: bytes
    account_id: bytes
    name: str
    digest: bytes
    created: int
    expires: int | None
    revoked: int | None


class Holder(NamedTuple):
    """A token with the user it stands for."""

    digest: bytes
    expires: int | None
    revoked: int | None
    name: str
    role: str


ACCOUNTS = Table("account", AccountRecord)
TOKENS = Table("access_token", TokenRecord)


def holder_of(source: Queries, token_id: bytes) -> Holder | None:
    """The token of that id and its user, or None."""
    row = source.row(
        "SELECT t.digest, t.expires, t.revoked, a.name, a.role FROM access_token t "
        "JOIN account a ON a.id = t.account_id WHERE t.id = ?",
        (token_id,),
    )
    return Holder._make(row) if row else None


def any_account(source: Queries) -> bool:
    """Whether there is a user at all."""
    return source.row("SELECT 1 FROM account LIMIT 1") is not None


def other_admins(cx: Transaction, account_id: bytes) -> int:
    """How many admins there are besides that user."""
    row = cx.row("SELECT COUNT(*) FROM account WHERE role = 'admin' AND id <> ?", (account_id,))
    return int(row[0]) if row else 0


def delete_account(cx: Transaction, account_id: bytes) -> None:
    """Remove a user with all tokens."""
    TOKENS.delete(cx, account_id=account_id)
    ACCOUNTS.delete(cx, id=account_id)
