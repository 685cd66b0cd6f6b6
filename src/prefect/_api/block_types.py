"""Block types, and the schemas of their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.filtering import parts
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id
from prefect._storage import blocks, clauses
from prefect._storage.blocks import (
    BLOCK_DOCUMENTS,
    BLOCK_SCHEMAS,
    BLOCK_TYPES,
    BlockSchemaRecord,
    BlockTypeRecord,
)
from prefect._storage.clauses import Clause
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.model.blocks import BlockSchema, BlockType, checksum_of
from prefect.model.requests.blocks import (
    BlockSchemaCreate,
    BlockSchemaFilter,
    BlockTypeCreate,
    BlockTypeFilter,
    BlockTypeUpdate,
    FilterBlockSchemas,
    FilterBlockTypes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction

FORBIDDEN = 403


@endpoint("POST", "/block_types/", status=201)
def create_block_type(api: Api, body: BlockTypeCreate) -> BlockType:
    """Make a type. Raises ObjectAlreadyExists where name or slug is taken, and Refused for reserved names."""
    if body.name.lower().startswith("prefect"):
        raise Refused("Block type names beginning with 'Prefect' are reserved.", status=FORBIDDEN)
    now = now_us()
    made = BlockTypeRecord(
        id=new_id(), **body.model_dump(mode="json"), is_protected=0, created=now, updated=now
    )
    with api.store.write() as cx:
        if BLOCK_TYPES.read(cx, name=body.name) or BLOCK_TYPES.read(cx, slug=body.slug):
            raise ObjectAlreadyExists(None, f'Block type with name "{body.name}" already exists')
        BLOCK_TYPES.insert(cx, made)
    return type_shown(made)


@endpoint("GET", "/block_types/{id}")
def read_block_type_by_id(api: Api, id: UUID) -> BlockType:
    """One type. Raises ObjectNotFound."""
    return type_shown(_type(api.store, id=id.bytes))


@endpoint("GET", "/block_types/slug/{slug}")
def read_block_type_by_slug(api: Api, slug: str) -> BlockType:
    """The type of that slug. Raises ObjectNotFound."""
    return type_shown(_type(api.store, slug=slug))


@endpoint("POST", "/block_types/filter")
def read_block_types(api: Api, body: FilterBlockTypes | None = None) -> list[BlockType]:
    """The types that pass the filters, by name."""
    asked = body or FilterBlockTypes()
    where = parts.part(asked.block_types, by_type)
    where += parts.part(
        asked.block_schemas,
        lambda one: clauses.among("id", "s.block_type_id", "block_schema s", [by_schema(one)]),
    )
    return [type_shown(one) for one in BLOCK_TYPES.find(api.store, where, order="name", **page_of(asked))]


@endpoint("PATCH", "/block_types/{id}", status=204)
def update_block_type(api: Api, id: UUID, body: BlockTypeUpdate) -> None:
    """Change how a type is shown. Raises ObjectNotFound."""
    changes = body.model_dump(mode="json", exclude_unset=True)
    with api.store.write() as cx:
        if not BLOCK_TYPES.update(cx, id.bytes, {**changes, "updated": now_us()}):
            raise missing("Block type")


@endpoint("DELETE", "/block_types/{id}", status=204)
def delete_block_type(api: Api, id: UUID) -> None:
    """Remove a type, its schemas and its blocks. Raises ObjectNotFound, and Refused for a protected one."""
    with api.store.write() as cx:
        if _type(cx, id=id.bytes).is_protected:
            raise Refused("protected block types cannot be deleted.", status=FORBIDDEN)
        BLOCK_DOCUMENTS.delete(cx, block_type_id=id.bytes)
        BLOCK_SCHEMAS.delete(cx, block_type_id=id.bytes)
        BLOCK_TYPES.delete(cx, id=id.bytes)


@endpoint("POST", "/block_schemas/", status=201, also=[200])
def create_block_schema(api: Api, body: BlockSchemaCreate) -> BlockSchema:
    """Record a schema of a type, or give the same one that is on record. Raises ObjectNotFound without the type."""
    fields = {**body.fields, "block_schema_references": body.fields.get("block_schema_references", {})}
    checksum = checksum_of(body.fields)
    with api.store.write() as cx:
        kind = _type_of_schema(cx, body)
        known = blocks.newest_schema(cx, checksum, body.version)
        if known is not None:
            api.status = 200
            return schemas_shown(cx, [known])[0]
        now = now_us()
        made = BlockSchemaRecord(
            id=new_id(),
            checksum=checksum,
            fields=fields,
            block_type_id=kind.id,
            capabilities=body.capabilities,
            version=body.version,
            created=now,
            updated=now,
        )
        BLOCK_SCHEMAS.insert(cx, made)
        return schemas_shown(cx, [made])[0]


def _type_of_schema(cx: Transaction, body: BlockSchemaCreate) -> BlockTypeRecord:
    kind = BLOCK_TYPES.read(cx, id=body.block_type_id.bytes) if body.block_type_id else None
    if kind is None:
        raise ObjectNotFound(help_message=f"Block type {body.block_type_id} not found.")
    return kind


@endpoint("GET", "/block_schemas/{id}")
def read_block_schema_by_id(api: Api, id: UUID) -> BlockSchema:
    """One schema. Raises ObjectNotFound."""
    return _schema_shown(api.store, BLOCK_SCHEMAS.read(api.store, id=id.bytes))


@endpoint("GET", "/block_schemas/checksum/{checksum}")
def read_block_schema_by_checksum(api: Api, checksum: str, version: str | None = None) -> BlockSchema:
    """The schema of that checksum; of several versions the newest, unless one is named. Raises ObjectNotFound."""
    return _schema_shown(api.store, blocks.newest_schema(api.store, checksum, version))


@endpoint("POST", "/block_schemas/filter")
def read_block_schemas(api: Api, body: FilterBlockSchemas | None = None) -> list[BlockSchema]:
    """The schemas that pass the filter, the newest first."""
    asked = body or FilterBlockSchemas()
    where = parts.part(asked.block_schemas, by_schema)
    return schemas_shown(
        api.store, BLOCK_SCHEMAS.find(api.store, where, order="created DESC, id DESC", **page_of(asked))
    )


@endpoint("DELETE", "/block_schemas/{id}", status=204)
def delete_block_schema(api: Api, id: UUID) -> None:
    """Remove a schema and the blocks of it. Raises ObjectNotFound; Refused where its type is protected."""
    with api.store.write() as cx:
        schema = BLOCK_SCHEMAS.read(cx, id=id.bytes)
        if schema is None:
            raise missing("Block schema")
        if _type(cx, id=schema.block_type_id).is_protected:
            raise Refused("Block schemas for protected block types cannot be deleted.", status=FORBIDDEN)
        BLOCK_DOCUMENTS.delete(cx, block_schema_id=id.bytes)
        BLOCK_SCHEMAS.delete(cx, id=id.bytes)


@endpoint("GET", "/block_capabilities/")
def read_available_block_capabilities(api: Api) -> list[str]:
    """What blocks of some type can do."""
    found = {one for schema in BLOCK_SCHEMAS.find(api.store) for one in schema.capabilities}
    return sorted(found)


def by_type(asked: BlockTypeFilter) -> Clause:
    """The condition on a type."""
    found: list[Clause] = []
    if asked.name is not None and asked.name.like_ is not None:
        found.append(clauses.contains("name", asked.name.like_))
    if asked.slug is not None:
        found += parts.names("slug", asked.slug)
    return clauses.joined("and_", found)


def by_schema(asked: BlockSchemaFilter) -> Clause:
    """The condition on a schema."""
    found: list[Clause] = []
    if asked.block_type_id is not None:
        found += parts.ids("block_type_id", asked.block_type_id)
    if asked.id is not None:
        found += parts.ids("id", asked.id)
    if asked.version is not None:
        found += parts.names("version", asked.version)
    if asked.block_capabilities is not None:
        wanted = asked.block_capabilities.all_ or ()
        found += [clauses.has("capabilities", capability) for capability in wanted]
    return clauses.joined(asked.operator.value, found)


def _type(source: Queries, **equals: Any) -> BlockTypeRecord:
    found = BLOCK_TYPES.read(source, **equals)
    if found is None:
        raise missing("Block type")
    return found


def type_shown(record: BlockTypeRecord) -> BlockType:
    """A type as it is answered."""
    return BlockType.model_validate(BLOCK_TYPES.shown(record))


def _schema_shown(source: Queries, record: BlockSchemaRecord | None) -> BlockSchema:
    if record is None:
        raise missing("Block schema")
    return schemas_shown(source, [record])[0]


def schemas_shown(source: Queries, records: Sequence[BlockSchemaRecord]) -> list[BlockSchema]:
    """Schemas as they are answered, each with its type."""
    kinds = blocks.types_of(source, {one.block_type_id for one in records})
    return [
        BlockSchema.model_validate(
            {**BLOCK_SCHEMAS.shown(one), "block_type": type_shown(kinds[one.block_type_id])}
        )
        for one in records
    ]
