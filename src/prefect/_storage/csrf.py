"""CSRF tokens: one for each client that asked, kept as a digest until it expires."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Transaction


class CsrfRecord(NamedTuple):
    """The token of a client."""

    client: str
    id: bytes
    digest: bytes
    created: int
    updated: int
    expires: int


_LIST = ",".join(CsrfRecord._fields)


def replace(cx: Transaction, record: CsrfRecord) -> CsrfRecord:
    """Put the client's token in the place of its last one, which keeps its id; forget expired ones."""
    cx.execute("DELETE FROM csrf_token WHERE expires < ?", (record.updated,))
    cx.execute(
        f"INSERT INTO csrf_token ({_LIST}) VALUES (?,?,?,?,?,?) ON CONFLICT (client) DO UPDATE SET "  # noqa: S608
        "digest = excluded.digest, updated = excluded.updated, expires = excluded.expires",
        record,
    )
    found = read(cx, record.client)
    assert found is not None  # just written, in this transaction
    return found


def read(source: Queries, client: str) -> CsrfRecord | None:
    """The token of a client, expired or not."""
    row = source.row(f"SELECT {_LIST} FROM csrf_token WHERE client = ?", (client,))  # noqa: S608
    return CsrfRecord._make(row) if row else None
