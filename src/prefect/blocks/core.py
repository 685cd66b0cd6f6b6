"""The base of blocks: pydantic models that can be stored under a name and loaded again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PrivateAttr, SecretBytes, SecretStr
from typing_extensions import Self

from prefect._backend.resolve import backend
from prefect._base.current import wants_awaitable

if TYPE_CHECKING:
    from prefect._storage.blocks import BlockDocumentRecord

_NAME = re.compile(r"^[a-z0-9-]+$")


class BlockNotSavedError(RuntimeError):
    """The block has not been saved, and what was asked needs that."""


class Block(BaseModel):
    """Typed configuration. `save(name)` stores it, `Class.load(name)` brings it back."""

    model_config = ConfigDict(extra="allow")
    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _block_schema_capabilities: ClassVar[list[str]] = []
    _block_document_id: UUID | None = PrivateAttr(default=None)
    _block_document_name: str | None = PrivateAttr(default=None)

    @classmethod
    def get_block_type_name(cls) -> str:
        """The name of the type: the class's, unless it says otherwise."""
        return cls._block_type_name or cls.__name__

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The name of the type in lower case with dashes."""
        return cls._block_type_slug or re.sub(r"[^a-z0-9]+", "-", _spaced(cls.get_block_type_name()).lower()).strip("-")

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """What blocks of this type can do, such as "read-path"; those of the base classes count too."""
        own: list[list[str]] = [base.__dict__.get("_block_schema_capabilities", []) for base in cls.__mro__]
        return frozenset(capability for capabilities in own for capability in capabilities)

    def save(self, name: str | None = None, overwrite: bool = False, client: Any = None) -> Any:
        """Store the block; the id of its document. Under a running event loop, an awaitable of it.

        Raises:
            ValueError: the name is missing or malformed, or taken and `overwrite` is not set.
        """
        _ = client
        return self.asave(name, overwrite) if wants_awaitable() else self._save(name, overwrite)

    async def asave(self, name: str | None = None, overwrite: bool = False, client: Any = None) -> UUID:
        """The async form of `save`."""
        _ = client
        return self._save(name, overwrite)

    def _save(self, name: str | None, overwrite: bool) -> UUID:
        name = name or self._block_document_name
        if name is None or not _NAME.match(name):
            raise ValueError(f"Expected a name of lower-case letters, numbers and dashes, got {name!r}.")
        found = backend().save_block_document(
            self.get_block_type_slug(), name, json.dumps(_with_secrets(self)), overwrite=overwrite
        )
        self._block_document_name = name
        self._block_document_id = UUID(bytes=found.id)
        return self._block_document_id

    @classmethod
    def load(cls, name: str, validate: bool = True, client: Any = None) -> Any:
        """The block saved under `name` (`slug/name` for `Block` itself). Under a running loop, an awaitable of it.

        Raises:
            ValueError: there is none.
        """
        _ = client
        return cls.aload(name, validate) if wants_awaitable() else cls._load(name, validate)

    @classmethod
    async def aload(cls, name: str, validate: bool = True, client: Any = None) -> Self:
        """The async form of `load`."""
        _ = client
        return cls._load(name, validate)

    @classmethod
    def _load(cls, name: str, validate: bool) -> Self:
        slug, _, rest = name.partition("/") if cls is Block else (cls.get_block_type_slug(), "/", name)
        document = backend().read_block_document(slug, rest)
        if document is None:
            raise ValueError(
                f"Unable to find block document named {rest} for block type {slug}. Save it first, with save({rest!r})."
            )
        return cls._of(document, validate)

    @classmethod
    def _load_by_id(cls, document_id: UUID) -> Self:
        document = backend().read_block_document_by_id(document_id.bytes)
        if document is None:
            raise ValueError(f"Unable to find block document {document_id}: it was deleted.")
        return cls._of(document, validate=True)

    @classmethod
    def _of(cls, document: BlockDocumentRecord, validate: bool) -> Self:
        made_by: Any = _class_of(document.type_slug) if cls is Block else cls
        data = json.loads(document.data)
        block = made_by.model_validate(data) if validate else made_by.model_construct(None, **data)
        block._block_document_id = UUID(bytes=document.id)
        block._block_document_name = document.name
        return block

    @classmethod
    def delete(cls, name: str, client: Any = None) -> Any:
        """Remove the block saved under `name`. Raises ValueError: there is none."""
        _ = client
        return cls.adelete(name) if wants_awaitable() else cls._delete(name)

    @classmethod
    async def adelete(cls, name: str, client: Any = None) -> None:
        """The async form of `delete`."""
        _ = client
        cls._delete(name)

    @classmethod
    def _delete(cls, name: str) -> None:
        slug, _, rest = name.partition("/") if cls is Block else (cls.get_block_type_slug(), "/", name)
        document = backend().read_block_document(slug, rest)
        if document is None:
            raise ValueError(f"Unable to find block document named {rest} for block type {slug}.")
        backend().delete_block_document(document.id)


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)


def _class_of(slug: str) -> type[Block]:
    waiting = list(Block.__subclasses__())
    while waiting:
        cls = waiting.pop()
        if cls.get_block_type_slug() == slug:
            return cls
        waiting += cls.__subclasses__()
    raise ValueError(f"Expected a block type that is imported, got {slug!r}. Import the module that defines it.")


def _with_secrets(block: Block) -> dict[str, Any]:
    """The fields as JSON types, secrets in clear: that is what is to be brought back."""
    shown = block.model_dump(mode="json")
    for name in type(block).model_fields:
        value = getattr(block, name)
        if isinstance(value, SecretStr):
            shown[name] = value.get_secret_value()
        elif isinstance(value, SecretBytes):
            shown[name] = value.get_secret_value().decode()
    return shown
