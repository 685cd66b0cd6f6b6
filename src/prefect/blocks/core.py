"""Blocks: typed configuration with a name, saved once and loaded wherever it is needed."""

from __future__ import annotations

import re
from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, PrivateAttr, model_validator
from typing_extensions import Self

from prefect._base.dual import dual, in_thread
from prefect.blocks import _store

if TYPE_CHECKING:
    from prefect.model.blocks import BlockDocument

__all__ = ["Block", "BlockNotSavedError", "InvalidBlockRegistration", "UnknownBlockType"]

B = TypeVar("B", bound="Block")


class InvalidBlockRegistration(Exception):
    """The class cannot be registered as a block type."""


class UnknownBlockType(Exception):
    """No class is known for a saved block."""


class BlockNotSavedError(RuntimeError):
    """The operation needs a block that was saved."""


class Block(BaseModel, ABC):
    """The base of all blocks: subclass it and declare the fields.

    A subclass may set `_block_type_name` and `_block_type_slug` (by default made from the class's name),
    `_description` and `_logo_url`; `block_initialization` is called once a block is made.
    """

    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True)

    _block_type_name: ClassVar[str | None] = None
    _block_type_slug: ClassVar[str | None] = None
    _block_schema_capabilities: ClassVar[list[str]] = []
    _description: ClassVar[str | None] = None
    _logo_url: ClassVar[Any] = None
    _documentation_url: ClassVar[Any] = None
    _code_example: ClassVar[str | None] = None
    _types: ClassVar[dict[str, type[Block]]] = {}

    _block_document_id: UUID | None = PrivateAttr(default=None)
    _block_document_name: str | None = PrivateAttr(default=None)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Remember the class by its slug, so that `Block.load` finds it."""
        super().__pydantic_init_subclass__(**kwargs)
        Block._types[cls.get_block_type_slug()] = cls

    @model_validator(mode="wrap")
    @classmethod
    def _as_saved(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """A block within a saved block is of the class that it was, and knows under what name it was saved."""
        if not isinstance(value, dict) or not any(mark in value for mark in _store.MARKS):
            return handler(value)
        fields = cast("dict[str, Any]", value)
        slug, document_id, name = (
            None if mark in cls.model_fields else fields.get(mark) for mark in _store.MARKS
        )
        kind = Block._types.get(slug or "", cls)
        if kind is cls or not issubclass(kind, cls):
            block = handler(fields)
        else:
            block = kind.model_validate({k: v for k, v in fields.items() if k != "block_type_slug"})
        if document_id is not None:
            block._block_document_id, block._block_document_name = UUID(str(document_id)), name
        return block

    def model_post_init(self, context: Any, /) -> None:
        """Call the block's own initialization."""
        super().model_post_init(context)
        self.block_initialization()

    def block_initialization(self) -> None:
        """Called once a block is made; for subclasses."""

    @classmethod
    def get_block_type_name(cls) -> str:
        """The name of the type as people read it."""
        return cls.__dict__.get("_block_type_name") or cls.__name__

    @classmethod
    def get_block_type_slug(cls) -> str:
        """The name of the type as `type-slug/name` has it."""
        own = cls.__dict__.get("_block_type_slug")
        return own or re.sub(r"[^a-z0-9]+", "-", cls.get_block_type_name().lower()).strip("-")

    @classmethod
    def get_block_capabilities(cls) -> frozenset[str]:
        """What blocks of this type can do, such as "read-path"."""
        return frozenset(
            capability
            for base in cls.__mro__
            for capability in cast("list[str]", base.__dict__.get("_block_schema_capabilities", ()))
        )

    @classmethod
    def get_description(cls) -> str | None:
        """What the type is for."""
        return cls._description or (cls.__doc__ or "").strip() or None

    @classmethod
    def get_code_example(cls) -> str | None:
        """How the type is used."""
        return cls._code_example

    def get_block_placeholder(self) -> str:
        """How a saved block is written in templates.

        Raises:
            BlockNotSavedError: it was not saved.
        """
        if self._block_document_name is None:
            raise BlockNotSavedError("Could not generate block placeholder for unsaved block.")
        return f"prefect.blocks.{self.get_block_type_slug()}.{self._block_document_name}"

    @staticmethod
    def is_block_class(block: Any) -> bool:
        """Whether it is a class of blocks."""
        return isinstance(block, type) and issubclass(block, Block)

    @classmethod
    @dual
    def load(cls, name: str, validate: bool = True, client: Any = None) -> Self:  # noqa: ARG003 - part of the API
        """The saved block of this type and name; `Block.load` takes `type-slug/name`.

        Args:
            name: the name it was saved under.
            validate: False takes the fields as they were saved, without checking them.
            client: not needed.

        Raises:
            ValueError: there is none of that name.
        """
        slug, _, own = name.rpartition("/") if cls is Block else (cls.get_block_type_slug(), "", name)
        document = _store.read(slug, own)
        if document is None:
            raise ValueError(f"Unable to find block document named {own} for block type {slug}")
        return cast("Self", _made(document, validate=validate))

    @classmethod
    async def aload(cls, name: str, validate: bool = True, client: Any = None) -> Self:
        """The same, awaited."""
        return await in_thread(cls._now, "load", name, validate, client)

    @classmethod
    @dual
    def load_from_ref(
        cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: Any = None
    ) -> Self:
        """The saved block that a reference names: `type-slug/name`, an id, or a dict with one of them.

        Raises:
            ValueError: there is none.
        """
        if isinstance(ref, dict):
            ref = cast("str | UUID", next(iter(ref.values())))
        if isinstance(ref, str) and "/" in ref:
            return cast("Self", Block._now("load", ref, validate, client))
        document = _store.read_by_id(UUID(str(ref)))
        if document is None:
            raise ValueError(f"Unable to find block document with id {ref}")
        return cast("Self", _made(document, validate=validate))

    @classmethod
    async def aload_from_ref(
        cls, ref: str | UUID | dict[str, Any], validate: bool = True, client: Any = None
    ) -> Self:
        """The same, awaited."""
        return await in_thread(cls._now, "load_from_ref", ref, validate, client)

    @classmethod
    @dual
    def register_type_and_schema(cls, client: Any = None) -> None:  # noqa: ARG003 - part of the API
        """Let the API know this class: what it is called, and what fields it has. `save` does so too."""
        _store.register(cls)

    @classmethod
    async def aregister_type_and_schema(cls, client: Any = None) -> None:
        """The same, awaited."""
        await in_thread(cls._now, "register_type_and_schema", client)

    @dual
    def save(self, name: str | None = None, overwrite: bool = False, client: Any = None) -> UUID:  # noqa: ARG002
        """Save the block under a name; its id.

        Args:
            name: needed the first time.
            overwrite: replace a block of that name.
            client: not needed.

        Raises:
            ValueError: no name was given, or it is taken.
        """
        chosen = name or self._block_document_name
        if chosen is None:
            raise ValueError("expected a name to save the block under, got none: call save(name)")
        self._block_document_id = _store.write(type(self), chosen, _store.data_of(self), overwrite=overwrite)
        self._block_document_name = chosen
        return self._block_document_id

    async def asave(self, name: str | None = None, overwrite: bool = False, client: Any = None) -> UUID:
        """The same, awaited."""
        return await in_thread(type(self).save.__wrapped__, self, name, overwrite, client)  # type: ignore[attr-defined]

    @classmethod
    @dual
    def delete(cls, name: str, client: Any = None) -> None:  # noqa: ARG003 - part of the API
        """Delete the saved block of this type and name.

        Raises:
            ValueError: there is none.
        """
        if not _store.delete(cls.get_block_type_slug(), name):
            raise ValueError(
                f"Unable to find block document named {name} for block type {cls.get_block_type_slug()}"
            )

    @classmethod
    async def adelete(cls, name: str, client: Any = None) -> None:
        """The same, awaited."""
        await in_thread(cls._now, "delete", name, client)

    @classmethod
    def _now(cls, method: str, *args: Any) -> Any:
        """The synchronous form of a class method, whatever is wanted here."""
        return getattr(cls, method).__wrapped__(cls, *args)


def _made(document: BlockDocument, *, validate: bool) -> Block:
    slug = document.block_type.slug if document.block_type else ""
    kind = Block._types.get(slug)
    if kind is None:
        raise UnknownBlockType(
            f"No block class is known for {slug!r}: import the module that defines it first."
        )
    fields = _store.fields_in(document)
    block = kind.model_validate(fields) if validate else kind.model_construct(**fields)
    block._block_document_id = document.id
    block._block_document_name = document.name
    return block
