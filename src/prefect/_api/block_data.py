"""The data of blocks: which of it is secret, and which of it is another block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from prefect._storage.blocks import BlockDocumentRecord
    from prefect.model.blocks import BlockType

    Find = Callable[[bytes], "Found | None"]

MASK = "********"
_GONE = object()


def masked(data: dict[str, Any], secret_fields: Iterable[str]) -> dict[str, Any]:
    """The data with its secrets hidden.

    Args:
        data: of a block, references resolved.
        secret_fields: paths such as `password`, `inner.token`, `headers.*`. A path leads through the items of a
            list, and all that is below its end is secret.
    """
    for path in secret_fields:
        data = _masked_at(data, path.split("."))
    return data


def _masked_at(value: Any, path: Sequence[str]) -> Any:
    if not path:
        return _hidden(value)
    if isinstance(value, list):
        return [_masked_at(item, path) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return _hidden(value) if path == ["*"] else value
    first, rest = path[0], path[1:]
    return {
        key: _masked_at(item, rest) if first in (key, "*") else item
        for key, item in cast("dict[str, Any]", value).items()
    }


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_hidden(item) for item in cast("list[Any]", value)]
    return None if value is None else MASK


def references_in(data: Any) -> Iterator[UUID]:
    """The ids of the blocks that the data refers to. Raises ValueError for a reference that is none."""
    if isinstance(data, dict):
        fields = cast("dict[str, Any]", data)
        referred = _referred(fields)
        if referred is not None:
            yield referred
            return
        for item in fields.values():
            yield from references_in(item)
    elif isinstance(data, list):
        for item in cast("list[Any]", data):
            yield from references_in(item)


def _referred(value: dict[str, Any]) -> UUID | None:
    """The block that `{"$ref": {"block_document_id": …}}` refers to; None for any other dict."""
    reference = value.get("$ref")
    if set(value) != {"$ref"} or not isinstance(reference, dict):
        return None
    try:
        return UUID(str(cast("dict[str, Any]", reference)["block_document_id"]))
    except KeyError:
        return None
    except ValueError:
        raise ValueError(
            f'expected {{"block_document_id": a UUID}} in a reference to a block, got {reference!r:.80}'
        ) from None


class Found(NamedTuple):
    """A block that another one refers to, its type, and which of its fields are secret."""

    document: BlockDocumentRecord
    kind: BlockType
    secret_fields: list[str]


class Resolved:
    """The data of a block with the blocks that it refers to in their places.

    Args:
        document: whose data.
        find: a block by its id.
        secrets: whether those of the blocks that it refers to are shown.

    A reference to a block that is gone, or that would lead back to where it came from, is left out.
    """

    def __init__(
        self, document: BlockDocumentRecord, find: Find, secrets: bool, above: frozenset[bytes] = frozenset()
    ) -> None:
        self._find = find
        self._secrets = secrets
        self._above = above | {document.id}
        self.references: dict[str, dict[str, Any]] = {}
        self.data: dict[str, Any] = self._of(document.data, ())

    def _of(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            fields = cast("dict[str, Any]", value)
            referred = _referred(fields) if path else None
            if referred is not None:
                return self._block(referred.bytes, ".".join(path))
            items = ((key, self._of(item, (*path, key))) for key, item in fields.items())
            return {key: item for key, item in items if item is not _GONE}
        if isinstance(value, list):
            listed = (self._of(item, (*path, str(i))) for i, item in enumerate(cast("list[Any]", value)))
            return [item for item in listed if item is not _GONE]
        return value

    def _block(self, document_id: bytes, path: str) -> Any:
        found = None if document_id in self._above else self._find(document_id)
        if found is None:
            return _GONE
        document, kind, secret_fields = found
        inner = Resolved(document, self._find, self._secrets, self._above)
        self.references[path] = {
            "block_document": {
                "id": str(UUID(bytes=document.id)),
                "name": document.name,
                "block_type": kind.model_dump(mode="json"),
                "is_anonymous": bool(document.is_anonymous),
                "block_document_references": inner.references,
            }
        }
        return inner.data if self._secrets else masked(inner.data, secret_fields)
