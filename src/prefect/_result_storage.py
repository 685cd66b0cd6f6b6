"""Where results go and what makes bytes of them: what the settings say, and what users give by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Union
from uuid import UUID, uuid4

from prefect._base.dual import in_thread
from prefect._result_record import ResultRecord
from prefect.blocks.core import Block
from prefect.exceptions import MissingResult
from prefect.filesystems import LocalFileSystem, RemoteFileSystem, WritableFileSystem, read_from
from prefect.serializers import Serializer
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect.model.results import ResultRecordMetadata

ResultStorage = Union[WritableFileSystem, str, Path]
ResultSerializer = Union[Serializer, str]


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
    return await in_thread(get_default_result_storage)


def resolve_result_storage(result_storage: ResultStorage | UUID) -> Any:
    """A file system for what was given: itself, a folder, a URL, or a saved block (`slug/name`, or its id).

    Raises:
        ValueError: there is no such block.
        TypeError: something else was given.
    """
    if isinstance(result_storage, WritableFileSystem):
        return result_storage
    if isinstance(result_storage, Path):
        return LocalFileSystem(basepath=str(result_storage))
    if isinstance(result_storage, UUID):
        return Block._now("load_from_ref", result_storage)
    if isinstance(result_storage, str):
        return _storage_of_text(result_storage)
    raise TypeError(
        "Result storage must be one of the following: a file system, a path, a URL, the name or id of a "
        f"saved block. Got unsupported type {type(result_storage).__name__!r}."
    )


def _storage_of_text(text: str) -> Any:
    if text.startswith("file://"):
        return LocalFileSystem(basepath=text.removeprefix("file://"))
    if "://" in text:
        return RemoteFileSystem(basepath=text)
    if text.startswith(("/", "./", "../", "~")):
        return LocalFileSystem(basepath=text)
    if text.count("/") != 1:
        raise ValueError(
            f"expected a result storage such as 'block-type/name', './folder' or 's3://bucket', got {text!r}"
        )
    return Block._now("load", text)


async def aresolve_result_storage(result_storage: ResultStorage | UUID) -> Any:
    """The async form of `resolve_result_storage`."""
    return await in_thread(resolve_result_storage, result_storage)


def resolve_serializer(serializer: ResultSerializer) -> Serializer:
    """A serializer for what was given: itself, or the name of its type.

    Raises:
        ValueError: there is no such type.
        TypeError: something else was given.
    """
    if isinstance(serializer, Serializer):
        return serializer
    if isinstance(serializer, str):
        return Serializer.model_validate({"type": serializer})
    raise TypeError(
        "Result serializer must be one of the following types: 'Serializer', 'str'. "
        f"Got unsupported type {type(serializer).__name__!r}."
    )


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


def read_stored(metadata: ResultRecordMetadata) -> Any:
    """The result that a state's metadata points to.

    Raises:
        MissingResult: it is not there any more.
        SerializationError: what is there cannot be read.
    """
    place = metadata.storage_key
    if place is None:
        raise MissingResult
    storage = _storage_of(place, metadata.storage_block_id)
    try:
        content = read_from(storage, place).perform()
    except FileNotFoundError as exc:
        raise MissingResult(f"The result at {place} is gone ({exc}).") from exc
    return ResultRecord[Any].deserialize_bare(content, metadata).result


def _storage_of(place: str, block_id: UUID | None) -> Any:
    if block_id is not None:
        return Block._now("load_from_ref", block_id)
    folder = place.rpartition("/")[0]
    return RemoteFileSystem(basepath=folder) if "://" in place else LocalFileSystem(basepath=folder or "/")
