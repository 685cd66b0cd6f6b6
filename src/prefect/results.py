"""Results on disk: where they are kept, how they become bytes, how they are found again."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Union
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import Self

from prefect._base import current
from prefect._base.clock import now
from prefect._base.isolation import IsolationLevel
from prefect._version import __version__
from prefect.blocks.core import Block
from prefect.exceptions import ConfigurationError, MissingResult, SerializationError
from prefect.filesystems import (
    LocalFileSystem,
    NullFileSystem,
    RemoteFileSystem,
    WritableFileSystem,
    read_from,
    write_to,
)
from prefect.model.results import ResultRecordMetadata
from prefect.model.state_result import register_result_reader
from prefect.serializers import Serializer
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect.flows import Flow
    from prefect.tasks import Task

__all__ = [
    "DEFAULT_STORAGE_KEY_FN",
    "ResultRecord",
    "ResultRecordMetadata",
    "ResultSerializer",
    "ResultStorage",
    "ResultStore",
    "get_default_persist_setting",
    "get_default_persist_setting_for_tasks",
    "get_default_result_serializer",
    "get_default_result_storage",
    "get_result_store",
    "resolve_result_storage",
    "resolve_serializer",
    "should_persist_result",
]

ResultStorage = Union[WritableFileSystem, str, Path]
ResultSerializer = Union[Serializer, str]
CACHED_RECORDS = 1000


def DEFAULT_STORAGE_KEY_FN() -> str:  # noqa: N802 - the public name
    """A key nobody else has."""
    return uuid4().hex


def get_default_result_storage() -> Any:
    """Where results go unless told otherwise: the block of the setting, else a local folder."""
    settings = get_current_settings().results
    if settings.default_storage_block is not None:
        return Block._now("load", settings.default_storage_block)
    return LocalFileSystem(basepath=str(settings.local_storage_path))


async def aget_default_result_storage() -> Any:
    """The async form of `get_default_result_storage`."""
    return get_default_result_storage()


def resolve_result_storage(result_storage: ResultStorage | UUID) -> Any:
    """A file system for what was given: itself, a folder, a URL (`s3://…`), or a saved block (`slug/name`).

    Raises:
        ValueError: there is no such block. TypeError: something else was given.
    """
    if isinstance(result_storage, WritableFileSystem):
        return result_storage
    if isinstance(result_storage, Path):
        return LocalFileSystem(basepath=str(result_storage))
    if isinstance(result_storage, str):
        return _storage_of_text(result_storage)
    raise TypeError(
        f"Result storage must be a file system, a path, a URL or the name of a saved block; got {result_storage!r}."
    )


def _storage_of_text(text: str) -> Any:
    if text.startswith("file://"):
        return LocalFileSystem(basepath=text.removeprefix("file://"))
    if "://" in text:
        return RemoteFileSystem(basepath=text)
    if text.startswith(("/", "./", "../", "~")):
        return LocalFileSystem(basepath=text)
    return Block._now("load", text)


async def aresolve_result_storage(result_storage: ResultStorage | UUID) -> Any:
    """The async form of `resolve_result_storage`."""
    return resolve_result_storage(result_storage)


def resolve_serializer(serializer: ResultSerializer) -> Serializer:
    """A serializer for what was given: itself, or the name of its type."""
    if isinstance(serializer, Serializer):
        return serializer
    if isinstance(serializer, str):
        return Serializer(type=serializer)
    raise TypeError(f"Result serializer must be one of: a Serializer, the name of its type; got {serializer!r}.")


def get_default_result_serializer() -> Serializer:
    """The serializer of the settings."""
    return resolve_serializer(get_current_settings().results.default_serializer)


def get_default_persist_setting() -> bool:
    """Whether results are persisted unless told otherwise."""
    return get_current_settings().results.persist_by_default


def get_default_persist_setting_for_tasks() -> bool:
    """The same for tasks."""
    asked = get_current_settings().tasks.default_persist_result
    return get_default_persist_setting() if asked is None else asked


def should_persist_result() -> bool:
    """Whether the present run persists its result."""
    run = current.task_run.get() or current.flow_run.get()
    return run.persist_result if run is not None else get_default_persist_setting()


def get_result_store() -> ResultStore:
    """The store of the present run, or one with the defaults."""
    run = current.task_run.get() or current.flow_run.get()
    return run.result_store if run is not None else ResultStore()


class ResultRecord:
    """A result with its metadata: what a store reads and writes."""

    __slots__ = ("metadata", "result")
    _is_result_record: ClassVar[bool] = True

    def __init__(self, result: Any, metadata: ResultRecordMetadata) -> None:
        self.result = result
        self.metadata = metadata

    @property
    def storage_key(self) -> str | None:
        """Where it is stored: an absolute path, or a URL."""
        return self.metadata.storage_key

    @property
    def expiration(self) -> datetime | None:
        """Until when it may be used as a cache entry."""
        return self.metadata.expiration

    @property
    def serializer(self) -> Serializer:
        """What makes bytes of it."""
        return self.metadata.serializer

    def serialize_result(self) -> bytes:
        """The result as bytes. Raises SerializationError."""
        try:
            return self.serializer.dumps(self.result)
        except Exception as exc:
            raise SerializationError(
                f"Failed to serialize object of type {type(self.result).__name__!r} with serializer "
                f"{self.serializer.type!r}: {exc}. Use another serializer, or do not persist this result."
            ) from exc

    def serialize(self) -> bytes:
        """Metadata and result as one JSON object. Raises SerializationError."""
        blob = self.serialize_result()
        shown = shown_metadata(self.metadata)
        return json.dumps({"metadata": shown, "result": blob.decode("latin-1")}, separators=(",", ":")).encode()

    @classmethod
    def deserialize(cls, data: bytes) -> ResultRecord:
        """The other way round. Raises SerializationError for anything but a whole record."""
        try:
            parsed = json.loads(data)
            shown = parsed["metadata"]
            metadata = ResultRecordMetadata.model_construct(
                None,
                storage_key=shown["storage_key"],
                expiration=datetime.fromisoformat(shown["expiration"]) if shown["expiration"] else None,
                serializer=Serializer(**shown["serializer"]),
                prefect_version=shown["prefect_version"],
                storage_block_id=UUID(shown["storage_block_id"]) if shown["storage_block_id"] else None,
            )
            return cls(metadata.serializer.loads(parsed["result"].encode("latin-1")), metadata)
        except SerializationError:
            raise
        except Exception as exc:
            raise SerializationError(f"Expected a stored result, got something else ({type(exc).__name__}: {exc}).") from exc

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResultRecord) and self.metadata == other.metadata and self.result == other.result

    __hash__ = None  # type: ignore[assignment] # compares by content


class _Records:
    """The records read or written last, by key; the oldest go."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, ResultRecord] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> ResultRecord | None:
        with self._lock:
            found = self._records.get(key)
            if found is not None:
                self._records.move_to_end(key)
            return found

    def put(self, key: str, record: ResultRecord) -> None:
        with self._lock:
            self._records[key] = record
            self._records.move_to_end(key)
            if len(self._records) > CACHED_RECORDS:
                self._records.popitem(last=False)


class ResultStore(BaseModel):
    """Reads and writes results by key.

    Attributes:
        result_storage: the file system; the default one unless given.
        metadata_storage: a file system for the metadata alone; beside the result, in one file, unless given.
        lock_manager: makes transactions on one key exclusive.
        cache_result_in_memory: whether what was read or written is kept for the next reader.
        serializer: what makes bytes of a result.
        storage_key_fn: makes a key where none is given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)
    result_storage: Any = None
    metadata_storage: Any = None
    lock_manager: Any = None
    cache_result_in_memory: bool = True
    serializer: Any = Field(default_factory=get_default_result_serializer)
    storage_key_fn: Any = Field(default=DEFAULT_STORAGE_KEY_FN)
    cache: Any = Field(default_factory=_Records, repr=False, exclude=True)

    def model_post_init(self, context: Any, /) -> None:
        """Without a storage of its own, the default one."""
        if self.result_storage is None:
            object.__setattr__(self, "result_storage", get_default_result_storage())

    @property
    def result_storage_block_id(self) -> UUID | None:
        """The id of the storage's block, if it is a saved one."""
        return getattr(self.result_storage, "_block_document_id", None)

    def update_for_flow(self, flow: Flow[..., Any]) -> Self:
        """The store of a flow: with its storage, serializer and memory option where it has them."""
        return self._updated(flow)

    async def aupdate_for_flow(self, flow: Flow[..., Any]) -> Self:
        """The async form of `update_for_flow`."""
        return self.update_for_flow(flow)

    def update_for_task(self, task: Task[..., Any]) -> Self:
        """The store of a task: with its options, and its cache policy's key storage and locks."""
        return self._updated(task, task.cache_policy)

    async def aupdate_for_task(self, task: Task[..., Any]) -> Self:
        """The async form of `update_for_task`."""
        return self.update_for_task(task)

    def _updated(self, owner: Any, policy: Any = None) -> Self:
        changes: dict[str, Any] = {"cache_result_in_memory": owner.cache_result_in_memory}
        if owner.result_storage is not None:
            changes["result_storage"] = resolve_result_storage(owner.result_storage)
        if owner.result_serializer is not None:
            changes["serializer"] = resolve_serializer(owner.result_serializer)
        if policy is not None and policy.key_storage is not None:
            storage = policy.key_storage
            changes["metadata_storage"] = (
                storage if isinstance(storage, NullFileSystem) else resolve_result_storage(storage)
            )
        if policy is not None and policy.lock_manager is not None:
            changes["lock_manager"] = policy.lock_manager
        return self.model_copy(update=changes)

    def create_result_record(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None
    ) -> ResultRecord:
        """The value with the metadata under which it would be stored."""
        key = key or self.storage_key_fn()
        metadata = ResultRecordMetadata.model_construct(
            None,
            storage_key=self._location(key),
            expiration=expiration,
            serializer=self.serializer,
            prefect_version=__version__,
            storage_block_id=self.result_storage_block_id,
        )
        return ResultRecord(obj, metadata)

    def exists(self, key: str) -> bool:
        """Whether there is a record under `key` that has not expired."""
        try:
            record = self._cached(key) or self._read_record(key)
        except (ValueError, OSError, SerializationError):
            return False
        return record.expiration is None or record.expiration > now()

    async def aexists(self, key: str) -> bool:
        """The async form of `exists`."""
        return self.exists(key)

    def read(self, key: str, holder: str | None = None) -> ResultRecord:
        """The record under `key`; waits while somebody else holds its lock.

        Raises:
            ValueError: there is none. SerializationError: what is there cannot be read.
        """
        if self.lock_manager is not None and not self.is_lock_holder(key, holder):
            self.wait_for_lock(key)
        record = self._cached(key)
        if record is None:
            record = self._read_record(key)
            self._keep(key, record)
        return record

    async def aread(self, key: str, holder: str | None = None) -> ResultRecord:
        """The async form of `read`."""
        return self.read(key, holder)

    def write(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None, holder: str | None = None
    ) -> None:
        """Store a value under `key`.

        Raises:
            SerializationError: it cannot be turned into bytes. OSError: it cannot be written.
            RuntimeError: somebody else holds the lock of `key`.
        """
        self.persist_result_record(self.create_result_record(obj, key, expiration), holder, key=key)

    async def awrite(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None, holder: str | None = None
    ) -> None:
        """The async form of `write`."""
        self.write(obj, key, expiration, holder)

    def persist_result_record(
        self, result_record: ResultRecord, holder: str | None = None, *, key: str | None = None, bare: bool = False
    ) -> None:
        """Store a record. `bare` writes the result alone, without metadata (the result of a flow).

        Raises: as `write`.
        """
        location = key or result_record.storage_key
        assert location is not None
        if self.lock_manager is not None and self.is_locked(location) and not self.is_lock_holder(location, holder):
            raise RuntimeError(f"Cannot write to result record with key {location!r} because it is locked by another holder.")
        if bare:
            self._put(self.result_storage, location, result_record.serialize_result())
        elif self.metadata_storage is None or isinstance(self.metadata_storage, NullFileSystem):
            self._put(self.result_storage, location, result_record.serialize())
        else:
            self._put(self.result_storage, location, result_record.serialize_result())
            self._put(self.metadata_storage, location, _metadata_json(result_record.metadata))
        self._keep(location, result_record)

    async def apersist_result_record(
        self, result_record: ResultRecord, holder: str | None = None, *, bare: bool = False
    ) -> None:
        """The async form of `persist_result_record`."""
        self.persist_result_record(result_record, holder, bare=bare)

    def supports_isolation_level(self, level: IsolationLevel) -> bool:
        """Whether transactions of that level are possible: SERIALIZABLE needs a lock manager."""
        return level == IsolationLevel.READ_COMMITTED or self.lock_manager is not None

    @staticmethod
    def generate_default_holder() -> str:
        """Who locks here: this thread of this process of this machine."""
        return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"

    def acquire_lock(self, key: str, holder: str | None = None, timeout: float | None = None) -> bool:
        """Take the lock of `key`; False if that took longer than `timeout` seconds. Raises ConfigurationError."""
        return self._locks().acquire_lock(key, holder or self.generate_default_holder(), timeout)

    async def aacquire_lock(self, key: str, holder: str | None = None, timeout: float | None = None) -> bool:
        """The async form of `acquire_lock`."""
        return await self._locks().aacquire_lock(key, holder or self.generate_default_holder(), timeout)

    def release_lock(self, key: str, holder: str | None = None) -> None:
        """Give the lock of `key` back. Raises ConfigurationError, or ValueError if it is not held."""
        self._locks().release_lock(key, holder or self.generate_default_holder())

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock of `key`. Raises ConfigurationError."""
        return self._locks().is_locked(key)

    def is_lock_holder(self, key: str, holder: str | None = None) -> bool:
        """Whether `holder` (this thread) holds the lock of `key`. Raises ConfigurationError."""
        return self._locks().is_lock_holder(key, holder or self.generate_default_holder())

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock of `key`; False after `timeout` seconds. Raises ConfigurationError."""
        return self._locks().wait_for_lock(key, timeout)

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The async form of `wait_for_lock`."""
        return await self._locks().await_for_lock(key, timeout)

    def _locks(self) -> Any:
        if self.lock_manager is None:
            raise ConfigurationError(
                "Result store is not configured with a lock manager. Please set a lock manager when creating the "
                "result store to enable locking."
            )
        return self.lock_manager

    def _location(self, key: str) -> str:
        resolve = getattr(self.result_storage, "_resolve", None)
        return resolve(key) if resolve is not None else key

    def _cached(self, key: str) -> ResultRecord | None:
        return self.cache.get(self._location(key)) if self.cache_result_in_memory else None

    def _keep(self, key: str, record: ResultRecord) -> None:
        if self.cache_result_in_memory:
            self.cache.put(self._location(key), record)

    def _read_record(self, key: str) -> ResultRecord:
        if self.metadata_storage is None or isinstance(self.metadata_storage, NullFileSystem):
            return ResultRecord.deserialize(_read(self.result_storage, key))
        metadata = ResultRecordMetadata.model_validate_json(_read(self.metadata_storage, key))
        serializer = Serializer(**metadata.serializer) if isinstance(metadata.serializer, dict) else metadata.serializer
        assert metadata.storage_key is not None
        blob = _read(self.result_storage, metadata.storage_key)
        metadata = metadata.model_copy(update={"serializer": serializer})
        return ResultRecord(serializer.loads(blob), metadata)

    def _put(self, storage: Any, path: str, content: bytes) -> None:
        write_to(storage, path, content).perform()


def shown_metadata(metadata: ResultRecordMetadata) -> dict[str, Any]:
    """The metadata as JSON types. By hand: pydantic takes ten times as long, at every persisted task run."""
    block_id = metadata.storage_block_id
    return {
        "storage_key": metadata.storage_key,
        "expiration": metadata.expiration.isoformat() if metadata.expiration is not None else None,
        "serializer": _shown_serializer(metadata.serializer),
        "prefect_version": metadata.prefect_version,
        "storage_block_id": str(block_id) if block_id is not None else None,
    }


_shown_serializers: dict[int, tuple[Serializer, dict[str, Any]]] = {}


def _shown_serializer(serializer: Serializer) -> dict[str, Any]:
    """The serializer as JSON types; the same few objects are asked for again and again."""
    known = _shown_serializers.get(id(serializer))
    if known is None or known[0] is not serializer:
        if len(_shown_serializers) > CACHED_RECORDS:
            _shown_serializers.clear()
        known = _shown_serializers[id(serializer)] = (serializer, serializer.model_dump(mode="json"))
    return known[1]


def _metadata_json(metadata: ResultRecordMetadata) -> bytes:
    return metadata.model_copy(update={"serializer": metadata.serializer.model_dump(mode="json")}).model_dump_json().encode()


def _read(storage: Any, path: str) -> bytes:
    return read_from(storage, path).perform()


def read_stored(metadata: ResultRecordMetadata) -> Any:
    """The result that a state's metadata points to.

    Raises:
        MissingResult: it is not there any more. SerializationError: what is there cannot be read.
    """
    if metadata.storage_key is None:
        raise MissingResult
    storage, path = _storage_of(metadata.storage_key, metadata.storage_block_id)
    try:
        content = _read(storage, path)
    except (ValueError, FileNotFoundError) as exc:
        raise MissingResult(f"The result at {metadata.storage_key} is gone ({exc}).") from exc
    if content.startswith(b'{"metadata":'):
        return ResultRecord.deserialize(content).result
    serializer = metadata.serializer
    if isinstance(serializer, dict):
        serializer = Serializer(**serializer)
    return serializer.loads(content)


def _storage_of(location: str, block_id: UUID | None) -> tuple[Any, str]:
    if block_id is not None:
        return Block._now("load_from_ref", str(block_id)), location
    if "://" in location:
        base, _, _ = location.rpartition("/")
        return RemoteFileSystem(basepath=base), location
    return LocalFileSystem(basepath=str(Path(location).parent)), location


register_result_reader(read_stored)
