"""Stored configurations: their types, the schemas of these, and the documents."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, model_validator
from typing_extensions import Self

from prefect.model.base import Name, ObjectBaseModel

DEFAULT_BLOCK_SCHEMA_VERSION = "non-versioned"


def _dashed(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]*", name):
        raise ValueError("Block document name must only contain lowercase letters, numbers, and dashes.")
    return name


BlockDocumentName = Annotated[Name, AfterValidator(_dashed)]


_NOT_HASHED = frozenset(("definitions", "secret_fields"))


def checksum_of(fields: dict[str, Any]) -> str:
    """The checksum of a schema's fields, as all clients compute it.

    What follows from other schemas (definitions, and which fields are secret) is left out.
    """
    hashed = {name: value for name, value in fields.items() if name not in _NOT_HASHED}
    return "sha256:" + hashlib.sha256(json.dumps([[hashed], {}], sort_keys=True).encode()).hexdigest()


class BlockType(ObjectBaseModel):
    """A kind of block."""

    name: Name
    slug: str
    logo_url: HttpUrl | None = None
    documentation_url: HttpUrl | None = None
    description: str | None = None
    code_example: str | None = None
    is_protected: bool = False


class BlockSchema(ObjectBaseModel):
    """The fields of a block type, by checksum."""

    checksum: str
    fields: dict[str, Any] = Field(default_factory=dict)  # type: ignore[assignment] - the public name
    block_type_id: UUID | None
    block_type: BlockType | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = DEFAULT_BLOCK_SCHEMA_VERSION


class BlockDocument(ObjectBaseModel):
    """One stored block; only an anonymous one has no name."""

    name: BlockDocumentName | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: UUID
    block_schema: BlockSchema | None = None
    block_type_id: UUID
    block_type_name: str | None = None
    block_type: BlockType | None = None
    block_document_references: dict[str, dict[str, Any]] = Field(default_factory=dict)
    is_anonymous: bool = False

    @model_validator(mode="after")
    def validate_name_is_present_if_not_anonymous(self) -> Self:
        """A name, unless anonymous."""
        if not self.is_anonymous and not self.name:
            raise ValueError("Names must be provided for block documents.")
        return self


class BlockSchemaReference(ObjectBaseModel):
    """A field of one schema that is a block of another."""

    parent_block_schema_id: UUID
    parent_block_schema: BlockSchema | None = None
    reference_block_schema_id: UUID
    reference_block_schema: BlockSchema | None = None
    name: str


class BlockDocumentReference(ObjectBaseModel):
    """A field of one document that is another document."""

    parent_block_document_id: UUID
    parent_block_document: BlockDocument | None = None
    reference_block_document_id: UUID
    reference_block_document: BlockDocument | None = None
    name: str

    @model_validator(mode="after")
    def validate_parent_and_ref_are_different(self) -> Self:
        """No document refers to itself."""
        if self.parent_block_document_id == self.reference_block_document_id:
            raise ValueError(
                "`parent_block_document_id` and `reference_block_document_id` cannot be the same"
            )
        return self
