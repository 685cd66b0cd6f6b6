"""Blocks: their types, the schemas of these, and the documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._storage import clauses
from prefect._storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Collection

    from prefect._storage.protocol import Queries


class BlockTypeRecord(NamedTuple):
    """A kind of block."""

    id: bytes
    name: str
    slug: str
    logo_url: str | None
    documentation_url: str | None
    description: str | None
    code_example: str | None
    is_protected: int
    created: int
    updated: int


class BlockSchemaRecord(NamedTuple):
    """The fields of a type at one time, by checksum."""

    id: bytes
    checksum: str
    fields: dict[str, Any]
    block_type_id: bytes
    capabilities: list[str]
    version: str
    created: int
    updated: int


class BlockDocumentRecord(NamedTuple):
    """A block; its data holds secrets in the clear, and references to other blocks."""

    id: bytes
    name: str
    data: dict[str, Any]
    block_schema_id: bytes
    block_type_id: bytes
    is_anonymous: int
    created: int
    updated: int


BLOCK_TYPES = Table("block_type", BlockTypeRecord)
BLOCK_SCHEMAS = Table("block_schema", BlockSchemaRecord, json=("fields", "capabilities"))
BLOCK_DOCUMENTS = Table("block_document", BlockDocumentRecord, json=("data",))


def types_of(source: Queries, ids: Collection[bytes]) -> dict[bytes, BlockTypeRecord]:
    """Types by their ids."""
    return {one.id: one for one in BLOCK_TYPES.find(source, [clauses.any_of("id", list(ids))])}


def schemas_of(source: Queries, ids: Collection[bytes]) -> dict[bytes, BlockSchemaRecord]:
    """Schemas by their ids."""
    return {one.id: one for one in BLOCK_SCHEMAS.find(source, [clauses.any_of("id", list(ids))])}


def documents_of(source: Queries, ids: Collection[bytes]) -> dict[bytes, BlockDocumentRecord]:
    """Documents by their ids."""
    return {one.id: one for one in BLOCK_DOCUMENTS.find(source, [clauses.any_of("id", list(ids))])}


def newest_schema(source: Queries, checksum: str, version: str | None) -> BlockSchemaRecord | None:
    """The schema of that checksum; of several versions the newest, unless one is named."""
    asked = [clauses.compare("checksum", "=", checksum)]
    if version is not None:
        asked.append(clauses.compare("version", "=", version))
    found = BLOCK_SCHEMAS.find(source, asked, order="created DESC, id DESC", limit=1)
    return found[0] if found else None
