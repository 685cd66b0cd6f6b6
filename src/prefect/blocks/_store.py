"""Where saved blocks are kept: block documents of the backend in force."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from prefect._backend.resolve import backend

if TYPE_CHECKING:
    from prefect._storage.blocks import BlockDocumentRecord


class BlockDocument(NamedTuple):
    """A saved block: its class by its slug, its name, and its fields as JSON, secrets included."""

    id: UUID
    type_slug: str
    name: str
    data: dict[str, Any]


def read(type_slug: str, name: str) -> BlockDocument | None:
    """The block of that name, if there is one."""
    return _document(backend().read_block_document(type_slug, name))


def read_by_id(document_id: UUID) -> BlockDocument | None:
    """The block of that id, if there is one."""
    return _document(backend().read_block_document_by_id(document_id.bytes))


def write(type_slug: str, name: str, data: dict[str, Any], *, overwrite: bool) -> UUID:
    """Keep a block; its id. Raises ValueError where the name is taken and `overwrite` is False."""
    return UUID(
        bytes=backend().save_block_document(type_slug, name, json.dumps(data), overwrite=overwrite).id
    )


def delete(type_slug: str, name: str) -> bool:
    """Forget a block; whether there was one."""
    found = backend().read_block_document(type_slug, name)
    if found is not None:
        backend().delete_block_document(found.id)
    return found is not None


def _document(record: BlockDocumentRecord | None) -> BlockDocument | None:
    if record is None:
        return None
    return BlockDocument(UUID(bytes=record.id), record.type_slug, record.name, json.loads(record.data))
