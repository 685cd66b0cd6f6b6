"""Where results are kept: a local folder, or anything that fsspec can reach. Writes are atomic."""

from __future__ import annotations

import abc
import fnmatch
import os
import shutil
import urllib.parse
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, Field, field_validator

from prefect._base.current import wants_awaitable
from prefect._base.faultpoint import reach
from prefect.blocks.core import Block

__all__ = [
    "LocalFileSystem",
    "NullFileSystem",
    "ReadableDeploymentStorage",
    "ReadableFileSystem",
    "RemoteFileSystem",
    "WritableDeploymentStorage",
    "WritableFileSystem",
]


class ReadableFileSystem(Block, abc.ABC):
    """Something that files can be read from. A subclass may define its methods sync or async."""

    @abc.abstractmethod
    def read_path(self, path: str) -> Any:
        """The contents of a file, as bytes."""


class WritableFileSystem(ReadableFileSystem, abc.ABC):
    """Something that files can be read from and written to."""

    @abc.abstractmethod
    def write_path(self, path: str, content: bytes) -> Any:
        """Write a file whole, or not at all."""


class ReadableDeploymentStorage(Block, abc.ABC):
    """Something that a flow's code can be fetched from."""

    @abc.abstractmethod
    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Copy a folder from there to here."""


class WritableDeploymentStorage(ReadableDeploymentStorage, abc.ABC):
    """Something that a flow's code can be put into."""

    @abc.abstractmethod
    def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Any:
        """Copy a folder from here to there."""


class LocalFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """Files below `basepath` (the working directory unless given); nothing outside it is touched."""

    _block_type_name: ClassVar[str | None] = "Local File System"
    basepath: str | None = Field(default=None)

    def __init__(self, basepath: str | Path | None = None, **data: Any) -> None:
        super().__init__(**({"basepath": basepath} | data))  # type: ignore[arg-type]

    @field_validator("basepath", mode="before")
    @classmethod
    def cast_pathlib(cls, value: str | Path | None) -> str | None:
        """A path object may be given."""
        return str(value) if isinstance(value, Path) else value

    def resolve(self, path: str | None) -> str:
        """The file of a path below the base. Raises ValueError for one outside it."""
        base = os.path.abspath(os.path.expanduser(self.basepath or "."))  # noqa: PTH100, PTH111 - ten times pathlib's speed
        found = os.path.normpath(os.path.join(base, path)) if path else base  # noqa: PTH118
        if found != base and not found.startswith(base.rstrip(os.sep) + os.sep):
            raise ValueError(f"Provided path {found} is outside of the base path {base}.")
        return found

    def read_bytes(self, path: str) -> bytes:
        """The contents of a file. Raises ValueError where there is none, OSError where it cannot be read."""
        found = Path(self.resolve(path))
        if not found.exists():
            raise ValueError(f"Path {found} does not exist.")
        if not found.is_file():
            raise ValueError(f"Path {found} is not a file.")
        return found.read_bytes()

    def write_bytes(self, path: str, content: bytes) -> str:
        """Write a file whole, or not at all; its absolute path. Raises OSError (disk full, read-only)."""
        found = self.resolve(path)
        _write_atomically(found, content)
        return found

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return Path(self.resolve(path)).is_file()

    def read_path(self, path: str) -> Any:
        """The contents of a file. Under a running event loop, an awaitable of them."""
        return self.aread_path(path) if wants_awaitable() else self.read_bytes(path)

    async def aread_path(self, path: str) -> bytes:
        """The async form of `read_path`."""
        return self.read_bytes(path)

    def write_path(self, path: str, content: bytes) -> Any:
        """Write a file; its absolute path. Under a running event loop, an awaitable of it."""
        return self.awrite_path(path, content) if wants_awaitable() else self.write_bytes(path, content)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """The async form of `write_path`."""
        return self.write_bytes(path, content)

    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Copy a folder from below the base to `local_path`. Under a running event loop, an awaitable."""
        return self.aget_directory(from_path, local_path) if wants_awaitable() else self._get(from_path, local_path)

    async def aget_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """The async form of `get_directory`."""
        self._get(from_path, local_path)

    def _get(self, from_path: str | None, local_path: str | None) -> None:
        source = Path(self.resolve(from_path))
        target = Path(local_path or ".").resolve()
        if source != target:
            shutil.copytree(source, target, dirs_exist_ok=True)

    def put_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> Any:
        """Copy `local_path` to a folder below the base. Under a running event loop, an awaitable."""
        if wants_awaitable():
            return self.aput_directory(local_path, to_path, ignore_file)
        return self._put(local_path, to_path, ignore_file)

    async def aput_directory(
        self, local_path: str | None = None, to_path: str | None = None, ignore_file: str | None = None
    ) -> None:
        """The async form of `put_directory`."""
        self._put(local_path, to_path, ignore_file)

    def _put(self, local_path: str | None, to_path: str | None, ignore_file: str | None) -> None:
        source, target = Path(local_path or ".").resolve(), Path(self.resolve(to_path))
        if source != target:
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=_ignoring(ignore_file))


def _ignoring(ignore_file: str | None) -> Any:
    if ignore_file is None:
        return None
    lines = Path(ignore_file).read_text(encoding="utf-8").splitlines()
    patterns = [line.strip().rstrip("/") for line in lines if line.strip() and not line.startswith("#")]

    def ignored(_: str, names: list[str]) -> list[str]:
        return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]

    return ignored


def _write_atomically(path: str, content: bytes) -> None:
    """Into a temporary file beside it, then over it: a killed writer leaves no half file."""
    folder, _, name = path.rpartition(os.sep)
    temporary = f"{folder}{os.sep}.{name[:64]}.{os.getpid()}.{next(_temporaries)}"
    try:
        handle = os.open(temporary, _CREATE, 0o666)
    except FileNotFoundError:
        Path(folder).mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, _CREATE, 0o666)
    try:
        try:
            _write_all(handle, content)
        finally:
            os.close(handle)
        reach("result.temporary_written")
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
_temporaries = count()


def _write_all(handle: int, content: bytes) -> None:
    """`os.write` may take less than all of it."""
    written = os.write(handle, content)
    while written < len(content):
        written += os.write(handle, content[written:])


class RemoteFileSystem(WritableFileSystem, WritableDeploymentStorage):
    """Files below an fsspec URL, such as `s3://bucket/folder`; `settings` go to the file system's constructor."""

    _block_type_name: ClassVar[str | None] = "Remote File System"
    basepath: str
    settings: dict[str, Any] = Field(default_factory=dict)

    @field_validator("basepath")
    @classmethod
    def check_basepath(cls, value: str) -> str:
        """Raises ValueError for a URL without a scheme, or a local one."""
        scheme, separator, _ = value.partition("://")
        if not separator or not scheme:
            raise ValueError(f"Base path must start with a scheme. Got {value!r}.")
        if scheme == "file":
            raise ValueError("Base path scheme cannot be 'file'. Use `LocalFileSystem` instead for local file access.")
        return value

    @property
    def filesystem(self) -> Any:
        """The fsspec file system. Raises RuntimeError where its package is not installed."""
        import fsspec  # 30 ms of import that only remote results need

        scheme = urllib.parse.urlsplit(self.basepath).scheme
        try:
            return fsspec.filesystem(scheme, **self.settings)
        except ImportError as exc:
            raise RuntimeError(
                f"Expected the package of the file system {scheme!r} to be installed, it is not ({exc}). "
                "Install it next to this one."
            ) from exc

    def resolve(self, path: str) -> str:
        """The URL of a path below the base. Raises ValueError for one outside it."""
        base = self.basepath.rstrip("/")
        if path.startswith((base + "/", base)) and "://" in path:
            return path
        if "://" in path or ".." in Path(path).parts:
            raise ValueError(f"Path {path!r} is outside of the base path {self.basepath!r}.")
        return f"{base}/{path.lstrip('/')}"

    def read_bytes(self, path: str) -> bytes:
        """The contents of a file. Raises ValueError where there is none."""
        try:
            with self.filesystem.open(self.resolve(path), "rb") as file:
                return file.read()
        except FileNotFoundError as exc:
            raise ValueError(f"Path {self.resolve(path)} does not exist.") from exc

    def write_bytes(self, path: str, content: bytes) -> str:
        """Write a file (object stores show it whole or not at all); its URL."""
        found = self.resolve(path)
        filesystem = self.filesystem
        filesystem.makedirs(found.rpartition("/")[0], exist_ok=True)
        with filesystem.open(found, "wb") as file:
            file.write(content)
        return found

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""
        return bool(self.filesystem.exists(self.resolve(path)))

    def read_path(self, path: str) -> Any:
        """The contents of a file. Under a running event loop, an awaitable of them."""
        return self.aread_path(path) if wants_awaitable() else self.read_bytes(path)

    async def aread_path(self, path: str) -> bytes:
        """The async form of `read_path`."""
        import asyncio  # whoever awaits this has it loaded

        return await asyncio.to_thread(self.read_bytes, path)

    def write_path(self, path: str, content: bytes) -> Any:
        """Write a file; its URL. Under a running event loop, an awaitable of it."""
        return self.awrite_path(path, content) if wants_awaitable() else self.write_bytes(path, content)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """The async form of `write_path`."""
        import asyncio  # whoever awaits this has it loaded

        return await asyncio.to_thread(self.write_bytes, path, content)

    def get_directory(self, from_path: str | None = None, local_path: str | None = None) -> Any:
        """Copy a folder from there to `local_path`. Under a running event loop, an awaitable."""
        return self.aget_directory(from_path, local_path) if wants_awaitable() else self._get(from_path, local_path)

    async def aget_directory(self, from_path: str | None = None, local_path: str | None = None) -> None:
        """The async form of `get_directory`."""
        import asyncio  # whoever awaits this has it loaded

        await asyncio.to_thread(self._get, from_path, local_path)

    def _get(self, from_path: str | None, local_path: str | None) -> None:
        source = self.resolve(from_path) if from_path else self.basepath
        self.filesystem.get(f"{source.rstrip('/')}/", str(Path(local_path or ".").resolve()), recursive=True)

    def put_directory(
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> Any:
        """Copy `local_path` there; how many files. Under a running event loop, an awaitable of it."""
        if wants_awaitable():
            return self.aput_directory(local_path, to_path, ignore_file, overwrite)
        return self._put(local_path, to_path, ignore_file, overwrite)

    async def aput_directory(
        self,
        local_path: str | None = None,
        to_path: str | None = None,
        ignore_file: str | None = None,
        overwrite: bool = True,
    ) -> int:
        """The async form of `put_directory`."""
        import asyncio  # whoever awaits this has it loaded

        return await asyncio.to_thread(self._put, local_path, to_path, ignore_file, overwrite)

    def _put(self, local_path: str | None, to_path: str | None, ignore_file: str | None, overwrite: bool) -> int:
        source = Path(local_path or ".").resolve()
        target = self.resolve(to_path) if to_path else self.basepath.rstrip("/")
        ignored = _ignoring(ignore_file)
        count = 0
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            inside = file.relative_to(source)
            if ignored is not None and ignored("", list(inside.parts)):
                continue
            self.filesystem.put_file(str(file), f"{target}/{inside.as_posix()}", overwrite=overwrite)
            count += 1
        return count


class NullFileSystem(BaseModel):
    """Keeps nothing."""

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
