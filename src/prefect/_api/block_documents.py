"""Blocks: typed configuration under a name. Secrets are hidden unless they are asked for by who may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._api.api import Api
from prefect._api.block_data import MASK, Found, Resolved, masked, references_in
from prefect._api.block_types import by_schema, by_type, read_block_type_by_slug, schemas_shown, type_shown
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused, missing
from prefect._api.filtering import parts
from prefect._api.limits import page_of
from prefect._base.clock import now_us
from prefect._base.ids import new_id, new_uuid
from prefect._storage import blocks, clauses
from prefect._storage.blocks import BLOCK_DOCUMENTS, BLOCK_SCHEMAS, BLOCK_TYPES, BlockDocumentRecord
from prefect._storage.clauses import Clause
from prefect.exceptions import ObjectAlreadyExists
from prefect.model.blocks import BlockDocument, BlockSchema
from prefect.model.requests.blocks import (
    BlockDocumentCreate,
    BlockDocumentFilter,
    BlockDocumentUpdate,
    CountBlockDocuments,
    FilterBlockDocuments,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._storage.protocol import Queries, Transaction

_ORDERS = {
    "NAME_ASC": "name, id",
    "NAME_DESC": "name DESC, id DESC",
    # ids of types say nothing to a person, their names do
    "BLOCK_TYPE_AND_NAME_ASC": "(SELECT t.name FROM block_type t WHERE t.id = block_type_id), name",
}


@endpoint("POST", "/block_documents/", status=201)
def create_block_document(api: Api, body: BlockDocumentCreate) -> BlockDocument:
    """Keep a block; the answer hides its secrets.

    Raises ObjectAlreadyExists where its type has one of that name, and Refused where type, schema or a block that
    it refers to is missing.
    """
    now = now_us()
    with api.store.write() as cx:
        _require_schema(cx, body.block_schema_id.bytes, body.block_type_id.bytes)
        _require_references(cx, body.data)
        name = body.name or f"anonymous-{new_uuid()}"
        if BLOCK_DOCUMENTS.read(cx, block_type_id=body.block_type_id.bytes, name=name):
            raise ObjectAlreadyExists(None, "Block already exists")
        made = BlockDocumentRecord(
            id=new_id(),
            name=name,
            data=body.data,
            block_schema_id=body.block_schema_id.bytes,
            block_type_id=body.block_type_id.bytes,
            is_anonymous=int(body.is_anonymous),
            created=now,
            updated=now,
        )
        BLOCK_DOCUMENTS.insert(cx, made)
        return _shown(cx, [made], secrets=False)[0]


@endpoint("GET", "/block_documents/{id}")
def read_block_document_by_id(api: Api, id: UUID, include_secrets: bool = False) -> BlockDocument:
    """One block. Raises ObjectNotFound."""
    found = BLOCK_DOCUMENTS.read(api.store, id=id.bytes)
    return _one(api, found, include_secrets)


@endpoint("GET", "/block_types/slug/{slug}/block_documents")
def read_block_documents_for_block_type(
    api: Api, slug: str, include_secrets: bool = False
) -> list[BlockDocument]:
    """The blocks of a type, by name. Raises ObjectNotFound without the type."""
    kind = read_block_type_by_slug(api, slug)
    of_type = [clauses.compare("block_type_id", "=", kind.id.bytes), clauses.compare("is_anonymous", "=", 0)]
    found = BLOCK_DOCUMENTS.find(api.store, of_type, order="name")
    return _shown(api.store, found, secrets=_may_see(api, include_secrets))


@endpoint("GET", "/block_types/slug/{slug}/block_documents/name/{block_document_name}")
def read_block_document_by_name_for_block_type(
    api: Api, slug: str, block_document_name: str, include_secrets: bool = False
) -> BlockDocument:
    """The block of that type and name. Raises ObjectNotFound."""
    kind = BLOCK_TYPES.read(api.store, slug=slug)
    found = kind and BLOCK_DOCUMENTS.read(api.store, block_type_id=kind.id, name=block_document_name)
    return _one(api, found, include_secrets)


@endpoint("POST", "/block_documents/filter")
def read_block_documents(api: Api, body: FilterBlockDocuments | None = None) -> list[BlockDocument]:
    """The blocks that pass the filters."""
    asked = body or FilterBlockDocuments()
    order = _ORDERS[asked.sort.value if asked.sort else "NAME_ASC"]
    found = BLOCK_DOCUMENTS.find(api.store, _where(asked), order=order, **page_of(asked))
    return _shown(api.store, found, secrets=_may_see(api, asked.include_secrets))


@endpoint("POST", "/block_documents/count")
def count_block_documents(api: Api, body: CountBlockDocuments | None = None) -> int:
    """How many blocks pass the filters."""
    return BLOCK_DOCUMENTS.count(api.store, _where(body or CountBlockDocuments()))


@endpoint("PATCH", "/block_documents/{id}", status=204)
def update_block_document_data(api: Api, id: UUID, body: BlockDocumentUpdate) -> None:
    """Change the data of a block; a secret that comes back hidden stays as it is. Raises ObjectNotFound."""
    with api.store.write() as cx:
        known = BLOCK_DOCUMENTS.read(cx, id=id.bytes)
        if known is None:
            raise missing("Block document")
        changes: dict[str, Any] = {"updated": now_us()}
        if body.block_schema_id is not None:
            _require_schema(cx, body.block_schema_id.bytes, known.block_type_id)
            changes["block_schema_id"] = body.block_schema_id.bytes
        _require_references(cx, body.data)
        given = {
            name: known.data[name] if value == MASK and name in known.data else value
            for name, value in body.data.items()
        }
        changes["data"] = {**known.data, **given} if body.merge_existing_data else given
        BLOCK_DOCUMENTS.update(cx, id.bytes, changes)


@endpoint("DELETE", "/block_documents/{id}", status=204)
def delete_block_document(api: Api, id: UUID) -> None:
    """Remove a block; blocks that refer to it lose it. Raises ObjectNotFound."""
    with api.store.write() as cx:
        if not BLOCK_DOCUMENTS.delete(cx, id=id.bytes):
            raise missing("Block document")


def _where(asked: CountBlockDocuments) -> list[Clause]:
    found = parts.part(asked.block_documents or BlockDocumentFilter(), _by_document)
    found += parts.part(
        asked.block_types, lambda one: clauses.among("block_type_id", "id", "block_type", [by_type(one)])
    )
    return found + parts.part(
        asked.block_schemas,
        lambda one: clauses.among("block_schema_id", "id", "block_schema", [by_schema(one)]),
    )


def _by_document(asked: BlockDocumentFilter) -> Clause:
    found: list[Clause] = []
    if asked.id is not None:
        found += parts.ids("id", asked.id)
    if asked.is_anonymous is not None and asked.is_anonymous.eq_ is not None:
        found.append(clauses.compare("is_anonymous", "=", int(asked.is_anonymous.eq_)))
    if asked.block_type_id is not None:
        found += parts.ids("block_type_id", asked.block_type_id)
    if asked.name is not None:
        found += parts.names("name", asked.name)
    return clauses.joined(asked.operator.value, found)


def _require_schema(cx: Transaction, schema_id: bytes, type_id: bytes) -> None:
    schema = BLOCK_SCHEMAS.read(cx, id=schema_id)
    if schema is None or schema.block_type_id != type_id:
        raise Refused(
            f"Expected a block schema of block type {UUID(bytes=type_id)}, got {UUID(bytes=schema_id)}: "
            "create the schema first.",
            status=409,
        )


def _require_references(cx: Transaction, data: dict[str, Any]) -> None:
    try:
        wanted = {one.bytes for one in references_in(data)}
    except ValueError as exc:
        raise Refused(str(exc)) from exc
    absent = wanted - blocks.documents_of(cx, wanted).keys()
    if absent:
        named = ", ".join(str(UUID(bytes=one)) for one in absent)
        raise Refused(
            f"The block refers to blocks that there are not: {named}. Create them first.", status=409
        )


def _may_see(api: Api, asked: bool) -> bool:
    """Secrets are for who may change things; a viewer gets the answer without them."""
    return asked and (api.actor is None or api.actor.may("operator"))


def _one(api: Api, found: BlockDocumentRecord | None, include_secrets: bool) -> BlockDocument:
    if found is None:
        raise missing("Block document")
    return _shown(api.store, [found], secrets=_may_see(api, include_secrets))[0]


def _shown(source: Queries, records: Sequence[BlockDocumentRecord], *, secrets: bool) -> list[BlockDocument]:
    """Blocks as they are answered, with their schemas and types, and what they refer to in its place."""
    known = blocks.schemas_of(source, {one.block_schema_id for one in records})
    schemas = dict(zip(known, schemas_shown(source, list(known.values())), strict=True))

    def find(document_id: bytes) -> Found | None:
        document = BLOCK_DOCUMENTS.read(source, id=document_id)
        kind = document and BLOCK_TYPES.read(source, id=document.block_type_id)
        schema = document and BLOCK_SCHEMAS.read(source, id=document.block_schema_id)
        if not (document and kind and schema):
            return None
        return Found(document, type_shown(kind), schema.fields.get("secret_fields", []))

    return [
        _document(one, Resolved(one, find, secrets), schemas[one.block_schema_id], secrets) for one in records
    ]


def _document(
    record: BlockDocumentRecord, resolved: Resolved, schema: BlockSchema, secrets: bool
) -> BlockDocument:
    secret_fields: list[str] = schema.fields.get("secret_fields", [])
    kind = schema.block_type
    return BlockDocument.model_validate(
        {
            **BLOCK_DOCUMENTS.shown(record),
            "data": resolved.data if secrets else masked(resolved.data, secret_fields),
            "block_schema": schema,
            "block_type": kind,
            "block_type_name": kind.name if kind else None,
            "block_document_references": resolved.references,
        }
    )
