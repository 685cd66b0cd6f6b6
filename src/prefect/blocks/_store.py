"""Where saved blocks are kept: the block documents of the API in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from prefect.blocks._schema import fields_of, inner_blocks
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.blocks.core import Block
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.model.blocks import BlockDocument, BlockSchema, BlockType


def _client() -> SyncPrefectClient:
    from prefect.client.orchestration import (
        get_client,  # 100 ms of import, for blocks that are saved or loaded
    )

    return get_client(sync_client=True)


def read(type_slug: str, name: str) -> BlockDocument | None:
    """The block of that name, if there is one."""
    with _client() as client:
        try:
            return client.read_block_document_by_name(name, type_slug)
        except ObjectNotFound:
            return None


def read_by_id(document_id: UUID) -> BlockDocument | None:
    """The block of that id, if there is one."""
    with _client() as client:
        try:
            return client.read_block_document(document_id)
        except ObjectNotFound:
            return None


def fields_in(document: BlockDocument) -> dict[str, Any]:
    """The fields of a block. Those that are blocks say which, in the fields that `MARKS` names."""
    data = dict(document.data)
    _mark(data, document.block_document_references)
    return data


MARKS = ("block_type_slug", "_block_document_id", "_block_document_name")


def _mark(data: dict[str, Any], references: dict[str, Any]) -> None:
    for path, reference in references.items():
        inner = reference["block_document"]
        where: Any = data
        for part in path.split("."):
            where = _at(where, part)
        _mark(where, inner["block_document_references"])
        where.update(zip(MARKS, (inner["block_type"]["slug"], inner["id"], inner["name"]), strict=True))


def _at(value: Any, part: str) -> Any:
    return value[part] if hasattr(value, "keys") else value[int(part)]


def register(kind: type[Block]) -> BlockSchema:
    """Let the API know a class, and those of the blocks within it; its schema."""
    from prefect.model.blocks import checksum_of
    from prefect.model.requests.blocks import BlockSchemaCreate  # wanted only where blocks are saved

    for _, inner in inner_blocks(kind):
        register(inner)
    fields = fields_of(kind)
    with _client() as client:
        try:
            return client.read_block_schema_by_checksum(checksum_of(fields))
        except ObjectNotFound:
            schema = BlockSchemaCreate(
                fields=fields,
                block_type_id=_type_of(kind, client).id,
                capabilities=sorted(kind.get_block_capabilities()),
            )
            return client.create_block_schema(schema)


def _type_of(kind: type[Block], client: SyncPrefectClient) -> BlockType:
    from prefect.model.requests.blocks import BlockTypeCreate, BlockTypeUpdate  # as above

    shown = {
        "logo_url": kind._logo_url,
        "documentation_url": kind._documentation_url,
        "description": kind.get_description(),
        "code_example": kind.get_code_example(),
    }
    slug = kind.get_block_type_slug()
    try:
        known = client.read_block_type_by_slug(slug)
    except ObjectNotFound:
        try:
            return client.create_block_type(
                BlockTypeCreate.model_validate({"name": kind.get_block_type_name(), "slug": slug, **shown})
            )
        except ObjectAlreadyExists:  # by another process, meanwhile
            return client.read_block_type_by_slug(slug)
    client.update_block_type(known.id, BlockTypeUpdate.model_validate(shown))
    return known


def write(kind: type[Block], name: str, data: dict[str, Any], *, overwrite: bool) -> UUID:
    """Keep a block; its id. Raises ValueError where the name is taken and `overwrite` is False."""
    from prefect.model.requests.blocks import BlockDocumentCreate, BlockDocumentUpdate  # as above

    schema = register(kind)
    assert schema.block_type_id is not None
    new = BlockDocumentCreate(
        name=name, data=data, block_schema_id=schema.id, block_type_id=schema.block_type_id
    )
    with _client() as client:
        try:
            return client.create_block_document(new, include_secrets=False).id
        except ObjectAlreadyExists:
            if not overwrite:
                raise ValueError(
                    f"A block of type {kind.get_block_type_slug()} named {name!r} exists. "
                    "Save it with overwrite=True, or under another name."
                ) from None
        known = client.read_block_document_by_name(name, kind.get_block_type_slug(), include_secrets=False)
        client.update_block_document(
            known.id, BlockDocumentUpdate(block_schema_id=schema.id, data=data, merge_existing_data=False)
        )
        return known.id


def delete(type_slug: str, name: str) -> bool:
    """Forget a block; whether there was one."""
    with _client() as client:
        try:
            known = client.read_block_document_by_name(name, type_slug, include_secrets=False)
            client.delete_block_document(known.id)
        except ObjectNotFound:
            return False
    return True


def data_of(block: Block) -> dict[str, Any]:
    """What is kept of a block: its secrets in the clear, and saved blocks in its fields as references to them."""
    from pydantic_core import to_jsonable_python  # loaded with the block's class

    within = {name: getattr(block, name) for name in type(block).model_fields}
    holding = {name: value for name, value in within.items() if _holds_blocks(value)}
    plain = to_jsonable_python(_revealed(block.model_dump(exclude=set(holding))))
    return {**plain, **{name: _referring(value) for name, value in holding.items()}}


def _holds_blocks(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_blocks, cast("list[Any]", value)))
    if isinstance(value, dict):
        return any(map(_holds_blocks, cast("dict[str, Any]", value).values()))
    return hasattr(value, "_block_document_id")


def _referring(value: Any) -> Any:
    if hasattr(value, "_block_document_id"):
        if value._block_document_id is not None:
            return {"$ref": {"block_document_id": str(value._block_document_id)}}
        return _inline(value)
    return _within(value)


def _within(value: Any) -> Any:
    """Blocks in a list or dict stand there in full: other servers resolve references in fields only."""
    if hasattr(value, "_block_document_id"):
        return _inline(value)
    if isinstance(value, dict):
        return {key: _within(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_within(item) for item in cast("list[Any]", value)]
    from pydantic_core import to_jsonable_python  # loaded with the block's class

    return to_jsonable_python(_revealed(value))


def _inline(block: Block) -> dict[str, Any]:
    return {**data_of(block), "block_type_slug": block.get_block_type_slug()}


def _revealed(value: Any) -> Any:
    """A dump with its secrets in the clear: what is saved must be what is loaded."""
    if isinstance(value, dict):
        return {key: _revealed(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple, set)):
        return [_revealed(item) for item in cast("list[Any]", value)]
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value
