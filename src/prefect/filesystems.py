"""Places that results (and code) are read from and written to.

The paths given to a file system are relative to its `basepath` and cannot leave it. Methods without an `a`
act at once, or give an awaitable where one is wanted (behaviour 13).
"""

from __future__ import annotations

import os
import posixpath
import shutil
from abc import ABC, abstractmethod
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import BaseModel, Field, PrivateAttr, field_validator
from typing_extensions import override

from prefect._base.atomic import write_atomically
from prefect._base.drive import Call
from prefect._base.dual import dual, in_thread
from prefect._base.ignore import IgnoreRules
from prefect.blocks.core import Block
from prefect.exceptions import PrefectImportError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LocalFileSystem",
    "NullFileSystem",
    "PathNotFound",
    "ReadableDeploymentStorage",
    "ReadableFileSystem",
    "RemoteFileSystem",
    "WritableDeploymentStorage",
    "WritableFileSystem",
]


class PathNotFound(ValueError, FileNotFoundError):
    """Nothing is stored at a path."""


class ReadableFileSystem(Block, ABC):
    """What files can be read from. A subclass may define the method synchronous or asynchronous."""

    _block_schema_capabilities: ClassVar[list[str]] = ["read-path"]

    @abstractmethod
    async def read_path(self, path: str) -> bytes:
        """The content of a file."""


class WritableFileSystem(ReadableFileSystem, ABC):
    """What files can be read from and written to."""

    _block_schema_capabilities: ClassVar[list[str]] = ["read-path", "write-path"]

    @abstractmethod
    async def write_path(self, path: str, content: bytes) -> Any:
        """Write a file."""


class ReadableDeploymentStorage(Block, ABC):
    """What a folder can be fetched from."""

    _block_schema_capabilities: ClassVar[list[str]] = ["get-directory"]

    @abstractmethod
    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Copy a folder to a local one."""


class WritableDeploymentStorage(ReadableDeploymentStorage, ABC):
    """What a folder can be fetched from and put into."""

    _block_schema_capabilities: ClassVar[list[str]] = ["get-directory", "put-directory"]

    @abstractmethod
    async def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Any:
        """Copy a local folder into the storage."""


@lru_cache(maxsize=256)
def _real(folder: str) -> str:
    return os.path.realpath(folder)


class LocalFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """Files of this machine, below a folder. Writes are atomic: a reader sees a whole file or none.

    Attributes:
        basepath: the folder; `~` is the home folder, None the working folder.
    """

    _block_type_name: ClassVar[str | None] = "Local File System"
    _block_type_slug: ClassVar[str | None] = "local-file-system"

    basepath: str | None = None

    @field_validator("basepath", mode="before")
    @classmethod
    def cast_pathlib(cls, value: str | Path | None) -> str | None:
        """Paths are taken as well as strings."""
        return str(value) if isinstance(value, Path) else value

    def _root(self) -> str:
        if not self.basepath:
            return str(Path.cwd())
        return _real(str(Path(self.basepath).expanduser()) if self.basepath[0] == "~" else self.basepath)

    def resolve(self, path: str | None) -> str:
        """The absolute path of a path in here.

        Raises:
            ValueError: it leads out of here.
        """
        root = self._root()
        if not path:
            return root
        if "/" not in path and os.sep not in path and path not in (".", "..") and path[0] != "~":
            return f"{root}/{path}"  # a plain name, as most keys are, cannot lead out
        full = os.path.realpath(Path(root, Path(path).expanduser()))
        if full != root and not full.startswith(root.rstrip(os.sep) + os.sep):
            raise ValueError(f"Provided path {full} is outside of the base path {root}.")
        return full

    def read_now(self, path: str) -> bytes:
        """`read_path`, whatever loop runs."""
        full = self.resolve(path)
        try:
            with open(full, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of a Path
                return file.read()
        except FileNotFoundError:
            raise PathNotFound(f"Path {full} does not exist.") from None
        except IsADirectoryError:
            raise ValueError(f"Path {full} is not a file.") from None

    def write_now(self, path: str, content: bytes) -> str:
        """`write_path`, whatever loop runs."""
        full = self.resolve(path)
        write_atomically(full, content)
        return full

    @dual
    @override
    def read_path(self, path: str) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride] - both, see `dual`
        """The content of a file.

        Raises:
            ValueError: there is no such file (`PathNotFound`), it is a folder, or it is outside of the
                basepath.
        """
        return self.read_now(path)

    async def aread_path(self, path: str) -> bytes:
        """The same, awaited; a local file is read at once."""
        return self.read_now(path)

    @dual
    @override
    def write_path(self, path: str, content: bytes) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Write a file; its absolute path.

        Raises:
            ValueError: the path is outside of the basepath.
            OSError: it cannot be written; nothing is left behind.
        """
        return self.write_now(path, content)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """The same, awaited; a local file is written at once."""
        return self.write_now(path, content)

    def _get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        source, target = self.resolve(from_path), os.path.realpath(local_path or ".")
        if source != target:
            shutil.copytree(source, target, dirs_exist_ok=True)

    def _put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        source, target = os.path.realpath(local_path or "."), self.resolve(to_path)
        if source != target:
            rules = IgnoreRules.of_file(ignore_file)
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=rules.for_copytree(source))

    @dual
    @override
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Copy a folder in here (or all of it) to a local folder (or the working folder)."""
        self._get_directory(from_path, local_path)

    async def aget_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """The same, awaited."""
        await in_thread(self._get_directory, from_path, local_path)

    @dual
    @override
    def put_directory(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        """Copy a local folder in here, but what the ignore file (in the form of a .gitignore) names."""
        self._put_directory(local_path, to_path, ignore_file)

    async def aput_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        """The same, awaited."""
        await in_thread(self._put_directory, local_path, to_path, ignore_file)


class RemoteFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """Files at a URL that fsspec knows: `s3://…`, `gcs://…`, `az://…`, `memory://…`, `file://…` and more.

    Attributes:
        basepath: the URL.
        settings: passed to the file system of fsspec, such as credentials.
    """

    _block_type_name: ClassVar[str | None] = "Remote File System"
    _block_type_slug: ClassVar[str | None] = "remote-file-system"

    basepath: str
    settings: dict[str, Any] = Field(default_factory=dict)
    _filesystem: Any = PrivateAttr(default=None)

    @field_validator("basepath")
    @classmethod
    def check_basepath(cls, value: str) -> str:
        """It is a URL with a place in it."""
        scheme, separator, location = value.partition("://")
        if not separator or not scheme:
            raise ValueError(f"Base path must start with a scheme. Got {value!r}.")
        if not location:
            raise ValueError(f"Base path must include a location after the scheme. Got {value!r}.")
        if scheme == "file" and not location.startswith("/"):
            raise ValueError(f"Base path must be absolute where the scheme is 'file'. Got {value!r}.")
        return value

    @property
    def filesystem(self) -> Any:
        """The file system of fsspec.

        Raises:
            PrefectImportError: the package for this kind of URL is not installed.
        """
        if self._filesystem is None:
            import fsspec  # 40 ms of import that only remote files need

            scheme = self.basepath.partition("://")[0]
            try:
                self._filesystem = cast("Any", fsspec).filesystem(scheme, **self.settings)
            except ImportError as exc:
                raise PrefectImportError(f"Cannot use {self.basepath!r}: {exc}.") from exc
            except ValueError as exc:
                raise ValueError(f"Cannot use {self.basepath!r}: fsspec does not know {scheme!r}.") from exc
        return self._filesystem

    def resolve(self, path: str | None) -> str:
        """The URL of a path in here, or of a URL that is in here.

        Raises:
            ValueError: it leads out of here.
        """
        base = self.basepath.rstrip("/")
        base_scheme, _, root = base.partition("://")
        if not path:
            return base
        scheme, separator, location = path.partition("://")
        if not separator:
            location = posixpath.join(root, path)
        elif scheme != base_scheme:
            raise ValueError(
                f"Path {path!r} with scheme {scheme!r} must use the same scheme as the base path "
                f"{base_scheme!r}."
            )
        location = posixpath.normpath(location)
        if location != root and not location.startswith(f"{root}/"):
            raise ValueError(f"Path {path!r} is outside of the base path {self.basepath!r}.")
        return f"{base_scheme}://{location}"

    def read_now(self, path: str) -> bytes:
        """`read_path`, whatever loop runs."""
        url = self.resolve(path)
        try:
            return self.filesystem.cat_file(url)
        except FileNotFoundError:
            raise PathNotFound(f"Path {url} does not exist.") from None

    def write_now(self, path: str, content: bytes) -> str:
        """`write_path`, whatever loop runs."""
        url, filesystem = self.resolve(path), self.filesystem
        if url.startswith("file://"):
            write_atomically(url[len("file://") :], content)
            return url
        try:
            filesystem.pipe_file(url, content)
        except FileNotFoundError:  # the folder is missing, where there are such things
            filesystem.makedirs(posixpath.dirname(url), exist_ok=True)
            filesystem.pipe_file(url, content)
        return url

    @dual
    @override
    def read_path(self, path: str) -> bytes:  # pyright: ignore[reportIncompatibleMethodOverride] - both, see `dual`
        """The content of a file.

        Raises:
            ValueError: there is no such file (`PathNotFound`), or it is outside of the basepath.
        """
        return self.read_now(path)

    async def aread_path(self, path: str) -> bytes:
        """The same, awaited."""
        return await in_thread(self.read_now, path)

    @dual
    @override
    def write_path(self, path: str, content: bytes) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Write a file; its URL.

        Raises:
            ValueError: the path is outside of the basepath.
        """
        return self.write_now(path, content)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """The same, awaited."""
        return await in_thread(self.write_now, path, content)

    def _get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        source = (
            self.resolve(from_path).rstrip("/") + "/"
        )  # with it, the content is copied and not the folder
        self.filesystem.get(source, os.path.realpath(local_path or ".") + "/", recursive=True)

    def _put_directory(
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> int:
        source, target, copied = os.path.realpath(local_path or "."), self.resolve(to_path), 0
        for name in _files_of(source, IgnoreRules.of_file(ignore_file)):
            url = f"{target}/{name}"
            if overwrite or not self.filesystem.exists(url):
                self.write_now(url, Path(source, name).read_bytes())
                copied += 1
        return copied

    @dual
    @override
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Copy a folder in here (or all of it) to a local folder (or the working folder)."""
        self._get_directory(from_path, local_path)

    async def aget_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """The same, awaited."""
        await in_thread(self._get_directory, from_path, local_path)

    @dual
    @override
    def put_directory(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> int:
        """Copy a local folder in here, but what the ignore file names; how many files were copied."""
        return self._put_directory(local_path, to_path, ignore_file, overwrite)

    async def aput_directory(
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> int:
        """The same, awaited."""
        return await in_thread(self._put_directory, local_path, to_path, ignore_file, overwrite)


def _files_of(folder: str, rules: IgnoreRules) -> Iterator[str]:
    """The files below a folder, relative to it, with forward slashes."""
    for parent, folders, files in os.walk(folder):
        place = os.path.relpath(parent, folder)
        names = [posixpath.join(place, name) if place != "." else name for name in files]
        folders[:] = [
            n for n in folders if not rules.ignores(posixpath.normpath(f"{place}/{n}"), is_folder=True)
        ]
        yield from (name for name in names if not rules.ignores(name, is_folder=False))


class NullFileSystem(BaseModel):
    """Keeps nothing: for a store whose metadata is kept elsewhere."""

    async def read_path(self, path: str) -> None:
        """Nothing."""

    async def write_path(self, path: str, content: bytes) -> None:
        """Nothing."""

    async def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """Nothing."""

    async def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        """Nothing."""


def read_from(storage: WritableFileSystem, path: str) -> Call:
    """The effect that reads a file, by the shortest way there is."""
    kind = type(storage)
    if kind is LocalFileSystem:
        return Call(LocalFileSystem.read_now, (storage, path))
    if kind is RemoteFileSystem:
        return Call(RemoteFileSystem.read_now, (storage, path), afn=RemoteFileSystem.aread_path)
    return Call(storage.read_path, (path,), afn=getattr(storage, "aread_path", None))


def write_to(storage: WritableFileSystem, path: str, content: bytes) -> Call:
    """The effect that writes a file, by the shortest way there is."""
    kind = type(storage)
    if kind is LocalFileSystem:
        return Call(LocalFileSystem.write_now, (storage, path, content))
    if kind is RemoteFileSystem:
        return Call(RemoteFileSystem.write_now, (storage, path, content), afn=RemoteFileSystem.awrite_path)
    return Call(storage.write_path, (path, content), afn=getattr(storage, "awrite_path", None))
