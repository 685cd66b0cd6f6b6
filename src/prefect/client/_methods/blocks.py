"""Blocks: types, schemas, documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect._api import block_documents, block_types
from prefect.client._method import Caller, method
from prefect.model.requests.blocks import (
    BlockDocumentCreate,
    BlockSchemaFilter,
    BlockSchemaFilterBlockTypeId,
    BlockTypeFilter,
    BlockTypeFilterSlug,
    FilterBlockDocuments,
    FilterBlockSchemas,
    FilterBlockTypes,
)

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client._method import Steps
    from prefect.model.blocks import BlockDocument, BlockSchema, BlockType
    from prefect.model.requests.blocks import (
        BlockDocumentUpdate,
        BlockSchemaCreate,
        BlockTypeCreate,
        BlockTypeUpdate,
    )

_CREATED = ("name", "data", "block_schema_id", "block_type_id", "is_anonymous")


class BlockDocumentMethods(Caller):
    """What both clients ask about blocks."""

    @method
    def create_block_document(
        self, block_document: BlockDocument | BlockDocumentCreate, include_secrets: bool = True
    ) -> Steps[BlockDocument]:
        """Keep a block; as the answer says, with its secrets or without.

        Raises ObjectAlreadyExists where its type has one of that name.
        """
        body = BlockDocumentCreate(**{name: getattr(block_document, name) for name in _CREATED})
        made = yield self._ask(block_documents.create_block_document, body=body)
        if not include_secrets:
            return made
        return (yield self._ask(block_documents.read_block_document_by_id, id=made.id, include_secrets=True))

    @method
    def update_block_document(
        self, block_document_id: UUID, block_document: BlockDocumentUpdate
    ) -> Steps[None]:
        """Change the data of a block. Raises ObjectNotFound."""
        yield self._ask(block_documents.update_block_document_data, id=block_document_id, body=block_document)

    @method
    def delete_block_document(self, block_document_id: UUID) -> Steps[None]:
        """Remove a block. Raises ObjectNotFound."""
        yield self._ask(block_documents.delete_block_document, id=block_document_id)

    @method
    def read_block_document(
        self, block_document_id: UUID, include_secrets: bool = True
    ) -> Steps[BlockDocument]:
        """One block. Raises ObjectNotFound."""
        return (
            yield self._ask(
                block_documents.read_block_document_by_id,
                id=block_document_id,
                include_secrets=include_secrets,
            )
        )

    @method
    def read_block_document_by_name(
        self, name: str, block_type_slug: str, include_secrets: bool = True
    ) -> Steps[BlockDocument]:
        """The block of that type and name. Raises ObjectNotFound."""
        return (
            yield self._ask(
                block_documents.read_block_document_by_name_for_block_type,
                slug=block_type_slug,
                block_document_name=name,
                include_secrets=include_secrets,
            )
        )

    @method
    def read_block_documents(
        self,
        block_schema_type: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
        include_secrets: bool = True,
    ) -> Steps[list[BlockDocument]]:
        """Blocks, by name; of a type, named by its slug, or of all."""
        body = FilterBlockDocuments(limit=limit, offset=offset or 0, include_secrets=include_secrets)
        if block_schema_type is not None:
            body.block_types = BlockTypeFilter(slug=BlockTypeFilterSlug(any_=[block_schema_type]))
        return (yield self._ask(block_documents.read_block_documents, body=body))

    @method
    def read_block_documents_by_type(
        self,
        block_type_slug: str,
        offset: int | None = None,
        limit: int | None = None,
        include_secrets: bool = True,
    ) -> Steps[list[BlockDocument]]:
        """The blocks of a type, by name."""
        of_type = BlockTypeFilter(slug=BlockTypeFilterSlug(any_=[block_type_slug]))
        body = FilterBlockDocuments(
            block_types=of_type, limit=limit, offset=offset or 0, include_secrets=include_secrets
        )
        return (yield self._ask(block_documents.read_block_documents, body=body))


class BlockTypeMethods(Caller):
    """What both clients ask about block types and their schemas."""

    @method
    def create_block_type(self, block_type: BlockTypeCreate) -> Steps[BlockType]:
        """Make a type. Raises ObjectAlreadyExists where name or slug is taken."""
        return (yield self._ask(block_types.create_block_type, body=block_type))

    @method
    def read_block_type_by_slug(self, slug: str) -> Steps[BlockType]:
        """The type of that slug. Raises ObjectNotFound."""
        return (yield self._ask(block_types.read_block_type_by_slug, slug=slug))

    @method
    def read_block_types(self) -> Steps[list[BlockType]]:
        """The types, by name."""
        return (yield self._ask(block_types.read_block_types, body=FilterBlockTypes()))

    @method
    def update_block_type(self, block_type_id: UUID, block_type: BlockTypeUpdate) -> Steps[None]:
        """Change how a type is shown. Raises ObjectNotFound."""
        yield self._ask(block_types.update_block_type, id=block_type_id, body=block_type)

    @method
    def delete_block_type(self, block_type_id: UUID) -> Steps[None]:
        """Remove a type with its blocks. Raises ObjectNotFound; refused for a protected one."""
        yield self._ask(block_types.delete_block_type, id=block_type_id)

    @method
    def create_block_schema(self, block_schema: BlockSchemaCreate) -> Steps[BlockSchema]:
        """Record a schema of a type, or give the same one that is on record."""
        return (yield self._ask(block_types.create_block_schema, body=block_schema))

    @method
    def read_block_schema_by_checksum(self, checksum: str, version: str | None = None) -> Steps[BlockSchema]:
        """The schema of that checksum. Raises ObjectNotFound."""
        return (
            yield self._ask(block_types.read_block_schema_by_checksum, checksum=checksum, version=version)
        )

    @method
    def read_block_schemas(self) -> Steps[list[BlockSchema]]:
        """The schemas, the newest first."""
        return (yield self._ask(block_types.read_block_schemas, body=FilterBlockSchemas()))

    @method
    def get_most_recent_block_schema_for_block_type(self, block_type_id: UUID) -> Steps[BlockSchema | None]:
        """The newest schema of a type, or None."""
        of_type = BlockSchemaFilter(block_type_id=BlockSchemaFilterBlockTypeId(any_=[block_type_id]))
        found = yield self._ask(
            block_types.read_block_schemas, body=FilterBlockSchemas(block_schemas=of_type, limit=1)
        )
        return found[0] if found else None
