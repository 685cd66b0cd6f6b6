"""Results that outlive their run: `ResultStore` reads and writes them by key."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Generator
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator
from typing_extensions import Self

from prefect._base import current
from prefect._base.clock import now
from prefect._base.drive import Call, drive, drive_async
from prefect._base.dual import in_thread
from prefect._base.isolation import IsolationLevel
from prefect._base.procinfo import host_name
from prefect._result_record import RecordCache, ResultRecord, shown_metadata
from prefect._result_storage import (
    DEFAULT_STORAGE_KEY_FN,
    ResultSerializer,
    ResultStorage,
    aget_default_result_storage,
    aresolve_result_storage,
    get_default_persist_setting,
    get_default_persist_setting_for_tasks,
    get_default_result_serializer,
    get_default_result_storage,
    read_stored,
    resolve_result_storage,
    resolve_serializer,
)
from prefect._version import __version__
from prefect.exceptions import ConfigurationError, SerializationError
from prefect.filesystems import (
    LocalFileSystem,
    NullFileSystem,
    PathNotFound,
    RemoteFileSystem,
    read_from,
    write_to,
)
from prefect.model.results import ResultRecordMetadata
from prefect.model.state_result import register_result_reader

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
    "aget_default_result_storage",
    "aresolve_result_storage",
    "get_default_persist_setting",
    "get_default_persist_setting_for_tasks",
    "get_default_result_serializer",
    "get_default_result_storage",
    "get_result_store",
    "read_stored",
    "resolve_result_storage",
    "resolve_serializer",
    "should_persist_result",
    "shown_metadata",
]

Steps = Generator[Call, Any, Any]
_log = logging.getLogger("prefect.results")
_MOST_VARIANTS = 100


def should_persist_result() -> bool:
    """Whether the present run persists its result."""
    run = current.task_run.get() or current.flow_run.get()
    return run.persist_result if run is not None else get_default_persist_setting()


def get_result_store() -> ResultStore:
    """The store of the present run, or one with the defaults."""
    run = current.task_run.get() or current.flow_run.get()
    return run.result_store if run is not None else ResultStore()


class ResultStore(BaseModel):
    """Reads and writes results by key. Methods without an `a` are synchronous, whatever loop runs.

    A task's result is one file with its metadata in it. With a `metadata_storage` of its own the two are
    written apart, the metadata last; with a `NullFileSystem` there, as for flows, the result is written
    alone.

    Attributes:
        result_storage: the file system; the default one unless given.
        metadata_storage: a file system for the metadata alone.
        lock_manager: makes transactions on one key exclusive.
        cache_result_in_memory: whether what was read or written is kept for the next reader.
        serializer: what makes bytes of a result.
        storage_key_fn: makes a key where none is given.
        cache: the records that are kept in memory; stores that are made from this one share it.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)
    result_storage: Any = None
    metadata_storage: Any = None
    lock_manager: Any = None
    cache_result_in_memory: bool = True
    serializer: Any = Field(default_factory=get_default_result_serializer)
    storage_key_fn: Any = Field(default=DEFAULT_STORAGE_KEY_FN)
    cache: Any = Field(default_factory=RecordCache, repr=False, exclude=True)
    # what `_with` has made, by the ids of its arguments; those are kept beside it, so that the ids stay
    # theirs
    _variants: dict[tuple[Any, ...], tuple[Any, ...]] = PrivateAttr(
        default_factory=dict[tuple[Any, ...], tuple[Any, ...]]
    )

    @field_validator("result_storage", mode="before")
    @classmethod
    def _resolve_storage(cls, value: Any) -> Any:
        return get_default_result_storage() if value is None else resolve_result_storage(value)

    @field_validator("metadata_storage", mode="before")
    @classmethod
    def _resolve_metadata_storage(cls, value: Any) -> Any:
        return value if value is None or isinstance(value, NullFileSystem) else resolve_result_storage(value)

    @field_validator("serializer", mode="before")
    @classmethod
    def _resolve_serializer(cls, value: Any) -> Any:
        return resolve_serializer(value)

    def model_post_init(self, context: Any, /) -> None:
        """Without a storage of its own, the default one."""
        super().model_post_init(context)
        if self.result_storage is None:
            object.__setattr__(self, "result_storage", get_default_result_storage())

    @property
    def result_storage_block_id(self) -> UUID | None:
        """The id of the storage's block, if it is a saved one."""
        return getattr(self.result_storage, "_block_document_id", None)

    def update_for_flow(self, flow: Flow[..., Any]) -> Self:
        """The store of a flow: with its storage, serializer and memory option, where it has them."""
        return self._with(flow, _ALONE, None)

    async def aupdate_for_flow(self, flow: Flow[..., Any]) -> Self:
        """The async form of `update_for_flow`."""
        return await in_thread(self.update_for_flow, flow)

    def update_for_task(self, task: Task[..., Any]) -> Self:
        """The store of a task: with its options, and its cache policy's key storage and locks."""
        policy = task.cache_policy
        if policy is None:
            return self._with(task, None, None)
        return self._with(task, policy.key_storage, policy.lock_manager)

    async def aupdate_for_task(self, task: Task[..., Any]) -> Self:
        """The async form of `update_for_task`."""
        return await in_thread(self.update_for_task, task)

    def _with(self, owner: Any, metadata_storage: Any, lock_manager: Any) -> Self:
        """The store with other options; the same ones give the same store, since every task run asks."""
        asked = (owner.result_storage, owner.result_serializer, metadata_storage, lock_manager)
        number = (*map(id, asked), owner.cache_result_in_memory)
        known = self._variants.get(number)
        if known is None:
            if len(self._variants) >= _MOST_VARIANTS:
                self._variants.clear()
            known = self._variants[number] = (self._copy(owner, metadata_storage, lock_manager), asked)
        return known[0]

    def _copy(self, owner: Any, metadata_storage: Any, lock_manager: Any) -> Self:
        changes: dict[str, Any] = {
            "cache_result_in_memory": owner.cache_result_in_memory,
            "metadata_storage": self._resolve_metadata_storage(metadata_storage),
        }
        if owner.result_storage is not None:
            changes["result_storage"] = resolve_result_storage(owner.result_storage)
        if owner.result_serializer is not None:
            changes["serializer"] = resolve_serializer(owner.result_serializer)
        if lock_manager is not None:
            changes["lock_manager"] = lock_manager
        made = self.model_copy(update=changes)
        made._variants = {}
        return made

    def create_result_record(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None
    ) -> ResultRecord[Any]:
        """The value with the metadata under which it would be stored.

        Raises:
            ValueError: the key leads out of the storage.
        """
        chosen: str = key or self.storage_key_fn()
        return ResultRecord(obj, self._metadata(chosen, expiration), chosen)

    def _metadata(self, key: str, expiration: datetime | None = None) -> ResultRecordMetadata:
        return ResultRecordMetadata.model_construct(
            None,
            storage_key=self._place(key),
            expiration=expiration,
            serializer=self.serializer,
            prefect_version=__version__,
            storage_block_id=self.result_storage_block_id,
        )

    def exists(self, key: str) -> bool:
        """Whether there is a record under `key` that can be read and has not expired.

        Raises:
            ValueError: the key leads out of the storage.
        """
        return drive(self._exists(key))

    async def aexists(self, key: str) -> bool:
        """The async form of `exists`."""
        return await drive_async(self._exists(key))

    def _exists(self, key: str) -> Steps:
        try:
            record = yield from self._find(key)
        except (PathNotFound, FileNotFoundError):
            return False
        except SerializationError as exc:
            _log.warning("%s It is taken as missing.", exc)
            return False
        return record.expiration is None or record.expiration > now()

    def read(self, key: str, holder: str | None = None) -> ResultRecord[Any]:
        """The record under `key`, expired or not; waits while somebody else holds its lock.

        Raises:
            ValueError: there is none, or the key leads out of the storage.
            SerializationError: what is there cannot be read.
        """
        return drive(self._read(key, holder))

    async def aread(self, key: str, holder: str | None = None) -> ResultRecord[Any]:
        """The async form of `read`."""
        return await drive_async(self._read(key, holder))

    def _read(self, key: str, holder: str | None) -> Steps:
        if self.lock_manager is not None and not self.is_lock_holder(key, holder):
            yield Call(self.wait_for_lock, (key,), afn=self.await_for_lock)
        return (yield from self._find(key))

    def _find(self, key: str) -> Steps:
        """The record in memory, or else the one that is stored."""
        place = self._place(key)
        record = self.cache.get(place) if self.cache_result_in_memory else None
        if record is None:
            try:
                record = yield from self._load(key)
            except SerializationError as exc:
                raise SerializationError(
                    f"The stored result {place} cannot be read: {exc}. "
                    "Delete it, or run with refresh_cache=True."
                ) from exc
            record.key = key
            self._keep(record)
        return record

    def _load(self, key: str) -> Steps:
        apart = self.metadata_storage
        if apart is None:
            return ResultRecord[Any].deserialize((yield read_from(self.result_storage, key)))
        if isinstance(apart, NullFileSystem):
            blob = yield read_from(self.result_storage, key)
            return ResultRecord[Any].deserialize_bare(blob, self._metadata(key))
        metadata = yield read_from(apart, key)
        blob = yield read_from(self.result_storage, key)
        return ResultRecord[Any].deserialize_from_result_and_metadata(blob, metadata)

    def write(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None, holder: str | None = None
    ) -> None:
        """Store a value under `key`.

        Raises:
            SerializationError: it cannot be turned into bytes.
            OSError: it cannot be written; what was there before is still there.
            RuntimeError: somebody else holds the lock of `key`.
        """
        drive(self._persist(self.create_result_record(obj, key, expiration), holder))

    async def awrite(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None, holder: str | None = None
    ) -> None:
        """The async form of `write`."""
        await drive_async(self._persist(self.create_result_record(obj, key, expiration), holder))

    def persist_result_record(self, result_record: ResultRecord[Any], holder: str | None = None) -> None:
        """Store a record.

        Raises: as `write`.
        """
        drive(self._persist(result_record, holder))

    async def apersist_result_record(
        self, result_record: ResultRecord[Any], holder: str | None = None
    ) -> None:
        """The async form of `persist_result_record`."""
        await drive_async(self._persist(result_record, holder))

    def _persist(self, record: ResultRecord[Any], holder: str | None) -> Steps:
        key = record.key or record.storage_key
        assert key is not None
        if self.lock_manager is not None and self.is_locked(key) and not self.is_lock_holder(key, holder):
            raise RuntimeError(
                f"Cannot write to result record with key {key} because it is locked by another holder."
            )
        if self.metadata_storage is None:
            yield write_to(self.result_storage, key, record.serialize())
        else:
            yield write_to(self.result_storage, key, record.serialize_result())
            if not isinstance(self.metadata_storage, NullFileSystem):
                yield write_to(self.metadata_storage, key, record.serialize_metadata())
        self._keep(record)

    def supports_isolation_level(self, level: IsolationLevel) -> bool:
        """Whether transactions of that level are possible: SERIALIZABLE needs a lock manager."""
        return level == IsolationLevel.READ_COMMITTED or self.lock_manager is not None

    @staticmethod
    def generate_default_holder() -> str:
        """Who locks here: this coroutine, or else this thread, of this process of this machine."""
        thread = threading.current_thread()
        return f"{host_name()}:{os.getpid()}:{thread.ident}:{_task_number() or thread.name}"

    def acquire_lock(self, key: str, holder: str | None = None, timeout: float | None = None) -> bool:
        """Take the lock of `key`; False if that took longer than `timeout` seconds.

        Raises:
            ConfigurationError: the store has no lock manager.
        """
        return self._locks().acquire_lock(key, holder or self.generate_default_holder(), timeout)

    async def aacquire_lock(self, key: str, holder: str | None = None, timeout: float | None = None) -> bool:
        """The async form of `acquire_lock`."""
        return await self._locks().aacquire_lock(key, holder or self.generate_default_holder(), timeout)

    def release_lock(self, key: str, holder: str | None = None) -> None:
        """Give the lock of `key` back.

        Raises:
            ConfigurationError: the store has no lock manager.
            ValueError: the lock is not held.
        """
        self._locks().release_lock(key, holder or self.generate_default_holder())

    def is_locked(self, key: str) -> bool:
        """Whether anybody holds the lock of `key`. Raises ConfigurationError without a lock manager."""
        return self._locks().is_locked(key)

    def is_lock_holder(self, key: str, holder: str | None = None) -> bool:
        """Whether `holder` holds the lock of `key`. Raises ConfigurationError without a lock manager."""
        return self._locks().is_lock_holder(key, holder or self.generate_default_holder())

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock of `key`; False after `timeout` seconds.

        Raises:
            ConfigurationError: the store has no lock manager.
        """
        return self._locks().wait_for_lock(key, timeout)

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """The async form of `wait_for_lock`."""
        return await self._locks().await_for_lock(key, timeout)

    def _locks(self) -> Any:
        if self.lock_manager is None:
            raise ConfigurationError(
                "Result store is not configured with a lock manager. "
                "Please set a lock manager when creating the result store to enable locking."
            )
        return self.lock_manager

    def _place(self, key: str) -> str:
        """Where a key is stored: an absolute path or a URL; the key itself where the storage does not say."""
        storage = self.result_storage
        return storage.resolve(key) if isinstance(storage, (LocalFileSystem, RemoteFileSystem)) else key

    def _keep(self, record: ResultRecord[Any]) -> None:
        if self.cache_result_in_memory:
            self.cache.put(record.metadata.storage_key, record)


_ALONE = NullFileSystem()


def _task_number() -> int | None:
    """The id of the running asyncio task, if this code is part of one."""
    asyncio = sys.modules.get("asyncio")  # a running loop has loaded it
    try:
        task = asyncio.current_task() if asyncio is not None else None
    except RuntimeError:  # no loop runs here
        return None
    return None if task is None else id(task)


register_result_reader(read_stored)
