"""Requests about blocks: their types, the schemas of these, and the documents."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, HttpUrl, model_validator
from typing_extensions import Self

from prefect._base.ids import new_uuid
from prefect.model.base import Name, NamedEnum
from prefect.model.blocks import DEFAULT_BLOCK_SCHEMA_VERSION, BlockDocumentName
from prefect.model.requests.base import (
    ActionBaseModel,
    FilterIds,
    FilterModel,
    FilterNames,
    FilterNamesLike,
    Operator,
    OperatorMixin,
    Page,
)


def _dashed(slug: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]*", slug):
        raise ValueError("Block type slug must only contain lowercase letters, numbers, and dashes.")
    return slug


class BlockTypeCreate(ActionBaseModel):
    """A new kind of block."""

    name: Name
    slug: Annotated[str, AfterValidator(_dashed)]
    logo_url: HttpUrl | None = None
    documentation_url: HttpUrl | None = None
    description: str | None = None
    code_example: str | None = None


class BlockTypeUpdate(ActionBaseModel):
    """What to change; what is not set stays."""

    logo_url: HttpUrl | None = None
    documentation_url: HttpUrl | None = None
    description: str | None = None
    code_example: str | None = None


class BlockSchemaCreate(ActionBaseModel):
    """The fields of a type."""

    fields: dict[str, Any] = Field(default_factory=dict)  # type: ignore[assignment] - the public name
    block_type_id: UUID | None = None
    capabilities: list[str] = Field(default_factory=list)
    version: str = DEFAULT_BLOCK_SCHEMA_VERSION


class BlockDocumentCreate(ActionBaseModel):
    """A new block; only an anonymous one has no name."""

    name: BlockDocumentName | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    block_schema_id: UUID
    block_type_id: UUID
    is_anonymous: bool = False

    @model_validator(mode="after")
    def validate_name_is_present_if_not_anonymous(self) -> Self:
        """A name, unless anonymous."""
        if not self.is_anonymous and not self.name:
            raise ValueError("Names must be provided for block documents.")
        return self


class BlockDocumentUpdate(ActionBaseModel):
    """Other data for a block: joined with what it has, or in place of it."""

    block_schema_id: UUID | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    merge_existing_data: bool = True


class BlockDocumentReferenceCreate(ActionBaseModel):
    """A field of one block that is another block."""

    id: UUID = Field(default_factory=new_uuid)
    parent_block_document_id: UUID
    reference_block_document_id: UUID
    name: str


class BlockTypeFilterName(FilterModel):
    """By a part of the name."""

    like_: str | None = None


class BlockTypeFilterSlug(FilterNames):
    """By slug."""


class BlockTypeFilter(FilterModel):
    """Which types."""

    name: BlockTypeFilterName | None = None
    slug: BlockTypeFilterSlug | None = None


class BlockSchemaFilterBlockTypeId(FilterIds):
    """By the type."""


class BlockSchemaFilterId(FilterIds):
    """By id."""


class BlockSchemaFilterCapabilities(FilterModel):
    """By capabilities: those that have them all."""

    all_: list[str] | None = None


class BlockSchemaFilterVersion(FilterNames):
    """By version."""


class BlockSchemaFilter(FilterModel, OperatorMixin):
    """Which schemas."""

    operator: Operator = Operator.and_
    block_type_id: BlockSchemaFilterBlockTypeId | None = None
    block_capabilities: BlockSchemaFilterCapabilities | None = None
    id: BlockSchemaFilterId | None = None
    version: BlockSchemaFilterVersion | None = None


class BlockDocumentFilterIsAnonymous(FilterModel):
    """By whether it has no name of its own."""

    eq_: bool | None = None


class BlockDocumentFilterBlockTypeId(FilterIds):
    """By the type."""


class BlockDocumentFilterId(FilterIds):
    """By id."""


class BlockDocumentFilterName(FilterNamesLike):
    """By name, or a part of it."""


class BlockDocumentFilter(FilterModel, OperatorMixin):
    """Which blocks; as a rule none that are anonymous."""

    operator: Operator = Operator.and_
    id: BlockDocumentFilterId | None = None
    is_anonymous: BlockDocumentFilterIsAnonymous | None = Field(
        default_factory=lambda: BlockDocumentFilterIsAnonymous(eq_=False)
    )
    block_type_id: BlockDocumentFilterBlockTypeId | None = None
    name: BlockDocumentFilterName | None = None


class BlockDocumentSort(NamedEnum):
    """In which order."""

    NAME_DESC = "NAME_DESC"
    NAME_ASC = "NAME_ASC"
    BLOCK_TYPE_AND_NAME_ASC = "BLOCK_TYPE_AND_NAME_ASC"


class FilterBlockTypes(Page):
    """The body of a search for types."""

    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class FilterBlockSchemas(Page):
    """The body of a search for schemas."""

    block_schemas: BlockSchemaFilter | None = None


class CountBlockDocuments(FilterModel):
    """The body of a count."""

    block_documents: BlockDocumentFilter | None = None
    block_types: BlockTypeFilter | None = None
    block_schemas: BlockSchemaFilter | None = None


class FilterBlockDocuments(CountBlockDocuments, Page):
    """The body of a search."""

    include_secrets: bool = False
    sort: BlockDocumentSort | None = BlockDocumentSort.NAME_ASC
