"""Pull steps: how the executor of a run gets at the code of its deployment."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect._base.current import wants_awaitable
from prefect._base.dual import in_thread
from prefect.blocks.core import Block
from prefect.runner.storage import BlockStorageAdapter, GitRepository, RemoteStorage

if TYPE_CHECKING:
    from prefect.runner.storage import RunnerStorage

__all__ = [
    "agit_clone",
    "git_clone",
    "pull_from_remote_storage",
    "pull_with_block",
    "set_working_directory",
]


def set_working_directory(directory: str) -> dict[str, str]:
    """Go to a folder of this machine. Gives `directory`. Raises FileNotFoundError."""
    os.chdir(directory)
    return {"directory": directory}


def git_clone(  # noqa: PLR0917 - a public signature
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,
    access_token: str | None = None,
    credentials: Any = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
) -> Any:
    """Clone a git repository into the working folder, or bring the clone there up to date.

    Under a running event loop it gives an awaitable, unless a sync flow or task calls it.

    Args:
        repository: any URL that git understands.
        branch: or a tag; the default branch if None.
        commit_sha: instead of a branch.
        include_submodules: fetch them too.
        access_token: for a private repository.
        credentials: instead of a token: a block, or a mapping with `token` and maybe `username`.
        directories: check out these folders only.
        clone_directory_name: of the clone.

    Returns:
        `directory`: the clone, relative to the working folder.

    Raises:
        ValueError: both a token and credentials are given, or both a branch and a commit.
        RuntimeError: git could not clone it. No credentials stand in the message.
    """
    given = locals()
    if wants_awaitable():
        return agit_clone(**given)
    source = _repository(**given)
    source.pull()
    return _directory(source)


async def agit_clone(  # noqa: PLR0917 - a public signature
    repository: str,
    branch: str | None = None,
    commit_sha: str | None = None,
    include_submodules: bool = False,
    access_token: str | None = None,
    credentials: Any = None,
    directories: list[str] | None = None,
    clone_directory_name: str | None = None,
) -> dict[str, str]:
    """The async form of `git_clone`."""
    source = _repository(**locals())
    await source.pull_code()
    return _directory(source)


def _repository(
    repository: str,
    access_token: str | None,
    credentials: Any,
    clone_directory_name: str | None,
    **given: Any,
) -> GitRepository:
    if access_token and credentials:
        raise ValueError("Please provide either an access token or credentials but not both.")
    login = {"access_token": access_token} if access_token else credentials
    return GitRepository(repository, credentials=login, name=clone_directory_name, **given)


async def pull_from_remote_storage(url: str, **settings: Any) -> dict[str, Any]:
    """Fetch a folder from a URL that fsspec knows. Gives `directory`.

    Args:
        url: such as `s3://bucket/folder`.
        settings: of the file system, such as credentials.
    """
    source = RemoteStorage(url, **settings)
    await source.pull_code()
    return _directory(source)


async def pull_with_block(block_document_name: str, block_type_slug: str) -> dict[str, Any]:
    """Fetch a folder with a saved storage block. Gives `directory`.

    Raises:
        ValueError: there is no such block.
        UnknownBlockType: its class is not imported.
    """
    block: Any = await in_thread(_load, f"{block_type_slug}/{block_document_name}")
    source = BlockStorageAdapter(block)
    await source.pull_code()
    return _directory(source)


def _load(name: str) -> Any:
    importlib.import_module("prefect.filesystems")  # the blocks for storage that there are

    return Block.load(name)


def _directory(source: RunnerStorage) -> dict[str, str]:
    folder = source.destination
    here = Path.cwd()
    return {"directory": str(folder.relative_to(here) if folder.is_relative_to(here) else folder)}
