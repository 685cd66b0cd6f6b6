"""The SQL of block documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Store, Transaction

_LIST = "id, type_slug, name, data, created, updated"


class BlockDocumentRecord(NamedTuple):
    """One stored block; `data` is JSON."""

    id: bytes
    type_slug: str
    name: str
    data: str
    created: int
    updated: int


def insert(cx: Transaction, document: BlockDocumentRecord) -> None:
    """A new document. Raises StoreError if the name is taken."""
    cx.execute(f"INSERT INTO block_document ({_LIST}) VALUES (?,?,?,?,?,?)", document)  # noqa: S608


def update(cx: Transaction, document_id: bytes, data: str, now: int) -> None:
    """Other contents for a document."""
    cx.execute("UPDATE block_document SET data = ?, updated = ? WHERE id = ?", (data, now, document_id))


def read(source: Queries, type_slug: str, name: str) -> BlockDocumentRecord | None:
    """The document of that type and name."""
    row = source.row(
        f"SELECT {_LIST} FROM block_document WHERE type_slug = ? AND name = ?",  # noqa: S608
        (type_slug, name),
    )
    return BlockDocumentRecord._make(row) if row else None


def read_by_id(store: Store, document_id: bytes) -> BlockDocumentRecord | None:
    """One document."""
    row = store.row(f"SELECT {_LIST} FROM block_document WHERE id = ?", (document_id,))  # noqa: S608
    return BlockDocumentRecord._make(row) if row else None


def delete(cx: Transaction, document_id: bytes) -> None:
    """Remove a document."""
    cx.execute("DELETE FROM block_document WHERE id = ?", (document_id,))
