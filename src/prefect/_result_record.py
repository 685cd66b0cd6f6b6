"""A result with what is known of it, as it is kept in a file; and the records that are kept in memory.

The file of a task's result is one JSON object, `{"metadata": {...}, "result": "..."}`; the result is the
text that its serializer made. The object is put together by hand: this is on the way of every persisted
result.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast
from uuid import UUID

from typing_extensions import TypeVar

from prefect.exceptions import SerializationError
from prefect.model.results import ResultRecordMetadata
from prefect.serializers import (
    CompressedJSONSerializer,
    CompressedPickleSerializer,
    CompressedSerializer,
    PickleSerializer,
    Serializer,
)

if TYPE_CHECKING:
    from typing_extensions import Self

R = TypeVar("R", default=Any)
# what these give is base64, which needs no escaping in JSON
_BASE64 = (PickleSerializer, CompressedSerializer, CompressedPickleSerializer, CompressedJSONSerializer)
_START = b'{"metadata":'
_compact = json.JSONEncoder(separators=(",", ":")).encode


class ResultRecord(Generic[R]):
    """A result with its metadata.

    Attributes:
        result: the value.
        metadata: where it is stored, how, and until when it may be used.
        key: under which key its store keeps it; None where only the place is known.
    """

    __slots__ = ("_shown", "key", "metadata", "result")
    _is_result_record: ClassVar[bool] = True

    def __init__(self, result: R, metadata: ResultRecordMetadata, key: str | None = None) -> None:
        self.result = result
        self.metadata = metadata
        self.key = key
        self._shown: dict[str, Any] | None = None

    @property
    def shown(self) -> dict[str, Any]:
        """The metadata as JSON types, made once: the file has it, and the row of each run that finds the record."""
        if self._shown is None:
            self._shown = shown_metadata(self.metadata)
        return self._shown

    @property
    def storage_key(self) -> str | None:
        """Where it is stored: an absolute path, or a URL."""
        return self.metadata.storage_key

    @property
    def expiration(self) -> datetime | None:
        """Until when it may be used for other runs; None is for ever."""
        return self.metadata.expiration

    @property
    def serializer(self) -> Serializer:
        """What makes bytes of it."""
        return self.metadata.serializer

    def serialize_result(self) -> bytes:
        """The result as bytes.

        Raises:
            SerializationError: the serializer cannot do it.
        """
        try:
            return self.serializer.dumps(self.result)
        except Exception as exc:
            raise SerializationError(
                f"Failed to serialize object of type {type(self.result).__name__!r} with serializer "
                f"{self.serializer.type!r}: {exc}. Use another serializer (such as result_serializer='json') "
                "or do not persist the result (persist_result=False)."
            ) from exc

    def serialize_metadata(self) -> bytes:
        """The metadata as a JSON object."""
        return _compact(self.shown).encode()

    def serialize(self) -> bytes:
        """The whole record as a JSON object.

        Raises:
            SerializationError: the serializer cannot do it, or what it makes is not text.
        """
        blob = self.serialize_result()
        if type(self.serializer) in _BASE64:
            return b'%s%s,"result":"%s"}' % (_START, self.serialize_metadata(), blob)
        try:
            text = blob.decode()
        except UnicodeDecodeError:
            raise SerializationError(
                f"Expected text in UTF-8 from serializer {self.serializer.type!r}, got other bytes: "
                "let its `dumps` return base64.b64encode(...)."
            ) from None
        return b'%s%s,"result":%s}' % (_START, self.serialize_metadata(), json.dumps(text).encode())

    @classmethod
    def deserialize(cls, data: bytes) -> Self:
        """The record that was written so.

        Raises:
            SerializationError: it is anything but a whole record.
        """
        return cls._of(*_taken_apart(data))

    @classmethod
    def deserialize_from_result_and_metadata(cls, result: bytes, metadata: bytes) -> Self:
        """The record whose parts were written apart.

        Raises:
            SerializationError: one of them cannot be read.
        """
        return cls._of(_metadata_of(_loaded(metadata)), result)

    @classmethod
    def deserialize_bare(cls, data: bytes, metadata: ResultRecordMetadata) -> Self:
        """The record of a result that was written with its metadata, or without.

        Raises:
            SerializationError: it cannot be read.
        """
        if data.startswith(_START):  # a bare result in JSON may look like a record too, but of another place
            try:
                own, result = _taken_apart(data)
            except SerializationError:
                pass
            else:
                if own.storage_key == metadata.storage_key:
                    return cls._of(own, result)
        return cls._of(metadata, data)

    @classmethod
    def _of(cls, metadata: ResultRecordMetadata, result: bytes) -> Self:
        if not isinstance(metadata.serializer, Serializer):
            metadata = metadata.model_copy(update={"serializer": _serializer_of(metadata.serializer)})
        try:
            return cls(metadata.serializer.loads(result), metadata)
        except Exception as exc:
            raise SerializationError(
                f"Failed to read a result with serializer {metadata.serializer.type!r} "
                f"({type(exc).__name__}: {exc})"
            ) from exc

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ResultRecord):
            return NotImplemented
        theirs = cast("ResultRecord[Any]", other)
        return self.metadata == theirs.metadata and self.result == theirs.result

    __hash__ = None  # type: ignore[assignment] # compares by content

    def __repr__(self) -> str:
        return f"ResultRecord(metadata={self.metadata!r}, result={self.result!r})"


def shown_metadata(metadata: ResultRecordMetadata) -> dict[str, Any]:
    """The metadata as JSON types. By hand: every persisted result needs it, and pydantic takes its time."""
    serializer, block = metadata.serializer, metadata.storage_block_id
    return {
        "storage_key": metadata.storage_key,
        "expiration": None if metadata.expiration is None else metadata.expiration.isoformat(),
        "serializer": serializer.model_dump(mode="json")
        if isinstance(serializer, Serializer)
        else serializer,
        "prefect_version": metadata.prefect_version,
        "storage_block_id": None if block is None else str(block),
    }


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as exc:
        raise SerializationError(f"Expected a stored result, got broken JSON ({exc})") from None
    if not isinstance(found, dict):
        raise SerializationError(f"Expected a stored result, got a JSON {type(found).__name__}")
    return cast("dict[str, Any]", found)


def _taken_apart(data: bytes) -> tuple[ResultRecordMetadata, bytes]:
    found = _loaded(data)
    metadata, result = found.get("metadata"), found.get("result")
    if not isinstance(metadata, dict) or not isinstance(result, str):
        raise SerializationError(
            "Expected a stored result, got a JSON object without its metadata and result"
        )
    return _metadata_of(cast("dict[str, Any]", metadata)), result.encode()


def _metadata_of(found: dict[str, Any]) -> ResultRecordMetadata:
    try:
        expiration, block = found.get("expiration"), found.get("storage_block_id")
        return ResultRecordMetadata.model_construct(
            None,
            storage_key=found.get("storage_key"),
            expiration=_moment(expiration) if expiration else None,
            serializer=_serializer_of(found["serializer"]),
            prefect_version=found.get("prefect_version", ""),
            storage_block_id=UUID(block) if block else None,
        )
    except (KeyError, ValueError, TypeError) as exc:
        raise SerializationError(f"Expected the metadata of a stored result, got {found!r} ({exc})") from exc


def _serializer_of(found: Any) -> Serializer:
    options: dict[str, Any] = (
        cast("dict[str, Any]", found) if isinstance(found, dict) else {"type": found or "pickle"}
    )
    return cast("Any", Serializer)(**options)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.removesuffix("Z"))  # Python 3.10 does not know the Z
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)


class RecordCache:
    """The records used last, by where they are stored; the others go."""

    def __init__(self, maxsize: int = 1000) -> None:
        self.maxsize = maxsize
        self._records: OrderedDict[str, ResultRecord[Any]] = OrderedDict()
        self._guard = threading.Lock()

    def get(self, place: str) -> ResultRecord[Any] | None:
        """The record, if it is still here."""
        with self._guard:
            record = self._records.get(place)
            if record is not None:
                self._records.move_to_end(place)
            return record

    def put(self, place: str, record: ResultRecord[Any]) -> None:
        """Keep a record."""
        with self._guard:
            self._records[place] = record
            self._records.move_to_end(place)
            if len(self._records) > self.maxsize:
                self._records.popitem(last=False)

    def __len__(self) -> int:
        return len(self._records)
