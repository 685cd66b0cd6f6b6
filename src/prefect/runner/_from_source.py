"""Flows whose code is somewhere else: fetched, imported, and remembered with where they come from."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from prefect._base.drive import Call, drive, drive_async
from prefect._loading import load_flow
from prefect.runner.storage import BlockStorageAdapter, LocalStorage, create_storage_from_source

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect.flows import Flow
    from prefect.runner.storage import RunnerStorage

    Steps = Generator[Any, Any, Flow[..., Any]]

# what was fetched stays until the process ends: flows may import more of it when they run
_folders: list[tempfile.TemporaryDirectory[str]] = []


def flow_from_source(source: Any, entrypoint: str) -> Flow[..., Any]:
    """Fetch the code and import the flow. See `Flow.from_source`."""
    return drive(_steps(source, entrypoint))


async def aflow_from_source(source: Any, entrypoint: str) -> Flow[..., Any]:
    """The async form of `flow_from_source`."""
    return await drive_async(_steps(source, entrypoint))


def storage_of(source: Any) -> RunnerStorage:
    """The storage that is meant: by a URL, a path, a block with `get_directory`, or itself.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(source, Path):
        return LocalStorage(source)
    if isinstance(source, str):
        return create_storage_from_source(source)
    if hasattr(source, "pull_code") and hasattr(source, "destination"):
        return cast("RunnerStorage", source)
    if hasattr(source, "get_directory"):
        return BlockStorageAdapter(source)
    raise TypeError(
        "Expected a URL, a path, a storage of prefect.runner.storage or a storage block as the source of a flow, "
        f"got {type(source).__name__}."
    )


def _steps(source: Any, entrypoint: str) -> Steps:
    storage = storage_of(source)
    if not isinstance(storage, LocalStorage):
        _folders.append(tempfile.TemporaryDirectory(prefix="prefect-source-"))
        storage.set_base_path(Path(_folders[-1].name))
        yield Call(storage.pull_code)
    found: Any = _load(storage.destination, entrypoint).with_options()
    found._storage, found._entrypoint = storage, entrypoint
    return found


def _load(folder: Path, entrypoint: str) -> Flow[..., Any]:
    place, _, name = entrypoint.rpartition(":")
    if place.endswith(".py"):
        return load_flow(f"{folder / place}:{name}")
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return load_flow(entrypoint)
