"""Where saved blocks are kept. Blocks do no I/O themselves: the backend registers a store of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from prefect.exceptions import ConfigurationError

if TYPE_CHECKING:
    from uuid import UUID


class BlockDocument(NamedTuple):
    """A saved block: its class by its slug, its name, and its fields as JSON, secrets included."""

    id: UUID
    type_slug: str
    name: str
    data: dict[str, Any]


class BlockDocumentStore(Protocol):
    """What keeps saved blocks."""

    def read(self, type_slug: str, name: str) -> BlockDocument | None:
        """The block of that name, if there is one."""
        ...

    def read_by_id(self, id: UUID) -> BlockDocument | None:
        """The block of that id, if there is one."""
        ...

    def write(self, type_slug: str, name: str, data: dict[str, Any], *, overwrite: bool) -> UUID:
        """Keep a block; its id. Raises ValueError where the name is taken and `overwrite` is False."""
        ...

    def delete(self, type_slug: str, name: str) -> bool:
        """Forget a block; whether there was one."""
        ...


_store: BlockDocumentStore | None = None


def register_block_store(store: BlockDocumentStore) -> None:
    """Say where blocks are kept."""
    global _store
    _store = store


def block_store() -> BlockDocumentStore:
    """The store in force.

    Raises:
        ConfigurationError: none was registered.
    """
    if _store is None:
        raise ConfigurationError(
            "Expected a store of blocks to save or load from, got none: this version keeps no blocks. "
            "Construct the block in code instead, for example LocalFileSystem(basepath=...)."
        )
    return _store
