"""Where the code of deployments comes from: git repositories, fsspec URLs, storage blocks, local folders."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable
from urllib.parse import urlsplit
from urllib.request import url2pathname

from prefect._base.dual import in_thread
from prefect.blocks.core import BlockNotSavedError
from prefect.exceptions import PrefectImportError
from prefect.runner._git import is_git_url, split_login
from prefect.runner._repository import GitRepository

__all__ = [
    "BlockStorageAdapter",
    "GitRepository",
    "LocalStorage",
    "RemoteStorage",
    "RunnerStorage",
    "create_storage_from_source",
]

# which package brings fsspec a scheme
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
}


@runtime_checkable
class RunnerStorage(Protocol):
    """Where the code of a deployment comes from."""

    def set_base_path(self, path: Path) -> None:
        """Say in which folder the code is to be."""
        ...

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two looks for news; None: never."""
        ...

    @property
    def destination(self) -> Path:
        """The folder of the code."""
        ...

    async def pull_code(self) -> None:
        """Fetch the code, or bring it up to date."""
        ...

    def to_pull_step(self) -> dict[str, Any]:
        """The pull step of a deployment that does the same."""
        ...


class RemoteStorage:
    """Files at a URL that fsspec knows: `s3://…`, `gs://…`, `az://…`, `memory://…`.

    Args:
        url: of a folder.
        pull_interval: seconds between two looks for news by who serves it; None: never.
        settings: of the file system, such as credentials; a saved block stands for what it holds.
    """

    def __init__(self, url: str, pull_interval: int | None = 60, **settings: Any) -> None:
        self._url = url
        self._settings = settings
        self._pull_interval = pull_interval
        self._base = Path.cwd()

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two looks for news; None: never."""
        return self._pull_interval

    @property
    def destination(self) -> Path:
        """The folder of the code."""
        parts = urlsplit(self._url)
        inside = posixpath.normpath(
            posixpath.join(parts.netloc.rpartition("@")[2] or ".", parts.path.lstrip("/"))
        )
        return self._base / inside

    def set_base_path(self, path: Path) -> None:
        """Say in which folder the code is to be."""
        self._base = path

    async def pull_code(self) -> None:
        """Fetch the code.

        Raises:
            PrefectImportError: the package for this kind of URL is not installed.
            RuntimeError: it cannot be fetched.
        """
        await in_thread(self.pull)

    def pull(self) -> None:
        """`pull_code`, at once."""
        import fsspec.core  # 40 ms of import that only remote code needs

        settings = {name: _revealed(value) for name, value in self._settings.items()}
        try:
            filesystem, path = cast("Any", fsspec.core).url_to_fs(self._url, **settings)
        except ImportError as exc:
            raise PrefectImportError(f"Cannot use {_shown(self._url)!r}: {exc}.") from exc
        self.destination.mkdir(parents=True, exist_ok=True)
        try:
            filesystem.get(path.rstrip("/") + "/", f"{self.destination}/", recursive=True)
        except Exception as exc:
            raise RuntimeError(
                f"Failed to pull contents from remote storage {_shown(self._url)!r} to {self.destination}: "
                f"{type(exc).__name__}"
            ) from exc

    def to_pull_step(self) -> dict[str, Any]:
        """The pull step of a deployment that does the same; a saved block stands in it as a placeholder."""
        settings = {
            name: "{{ %s }}" % value.get_block_placeholder()  # noqa: UP031 - braces
            if hasattr(value, "get_block_placeholder")
            else value
            for name, value in self._settings.items()
        }
        package = _PACKAGES.get(urlsplit(self._url).scheme)
        requires = {"requires": package} if package else {}
        return {
            "prefect.deployments.steps.pull_from_remote_storage": {"url": self._url, **settings, **requires}
        }

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RemoteStorage):
            return False
        return (self._url, self._settings, self._base) == (other._url, other._settings, other._base)

    __hash__ = None  # type: ignore[assignment] # settings can change

    def __repr__(self) -> str:
        return f"RemoteStorage(url={_shown(self._url)!r})"


class BlockStorageAdapter:
    """A block with `get_directory` as a source of code.

    Args:
        block: such as a LocalFileSystem, a RemoteFileSystem, or one of an integration.
        pull_interval: seconds between two looks for news by who serves it; None: never.

    Raises:
        ValueError: the block has no `get_directory`.
    """

    def __init__(self, block: Any, pull_interval: int | None = 60) -> None:
        if not hasattr(block, "get_directory"):
            raise ValueError("Provided block must have a `get_directory` method.")
        self._block = block
        self._pull_interval = pull_interval
        self._base = Path.cwd()
        own = getattr(block, "_block_document_name", None)
        self._name = (
            f"{block.get_block_type_slug()}-{own}" if own else f"{block.get_block_type_slug()}-{id(block):x}"
        )

    def set_base_path(self, path: Path) -> None:
        """Say in which folder the code is to be."""
        self._base = path

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two looks for news; None: never."""
        return self._pull_interval

    @property
    def destination(self) -> Path:
        """The folder of the code."""
        return self._base / self._name

    async def pull_code(self) -> None:
        """Fetch the code."""
        self.destination.mkdir(parents=True, exist_ok=True)
        fetch = getattr(self._block, "aget_directory", None) or self._block.get_directory
        answer = fetch(local_path=str(self.destination))
        if hasattr(answer, "__await__"):
            await answer

    def to_pull_step(self) -> dict[str, Any]:
        """The pull step of a deployment that does the same. Raises BlockNotSavedError for a block without a name."""
        own = getattr(self._block, "get_pull_step", None)
        if own is not None:
            return own()
        name = getattr(self._block, "_block_document_name", None)
        if name is None:
            raise BlockNotSavedError(
                "Block must be saved with `.save()` before it can be converted to a pull step."
            )
        step = {"block_type_slug": self._block.get_block_type_slug(), "block_document_name": name}
        return {"prefect.deployments.steps.pull_with_block": step}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BlockStorageAdapter) and self._block == other._block

    __hash__ = None  # type: ignore[assignment] # blocks can change

    def __repr__(self) -> str:
        return f"BlockStorageAdapter({self._name!r})"


class LocalStorage:
    """A folder of this machine, used where it is."""

    def __init__(self, path: str | Path, pull_interval: int | None = None) -> None:
        self._path = Path(path).expanduser().resolve()
        self._pull_interval = pull_interval

    @property
    def destination(self) -> Path:
        """The folder."""
        return self._path

    def set_base_path(self, path: Path) -> None:
        """Nothing: the folder stays where it is."""

    @property
    def pull_interval(self) -> int | None:
        """Seconds between two looks for news; None: never."""
        return self._pull_interval

    async def pull_code(self) -> None:
        """Nothing: the code is there."""

    def to_pull_step(self) -> dict[str, Any]:
        """The pull step of a deployment that goes there."""
        return {"prefect.deployments.steps.set_working_directory": {"directory": str(self._path)}}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LocalStorage) and self._path == other._path

    def __hash__(self) -> int:
        return hash(self._path)

    def __repr__(self) -> str:
        return f"LocalStorage(path={self._path!r})"


def create_storage_from_source(source: str, pull_interval: int | None = 60) -> RunnerStorage:
    """The storage that a URL or a path means.

    Args:
        source: what git understands (`https://….git`, `git@host:path`, `ssh://….git`, `file:///….git`), a URL that
            fsspec knows, or a path.
        pull_interval: seconds between two looks for news by who serves it; None: never.
    """
    if is_git_url(source):
        return GitRepository(source, pull_interval=pull_interval)
    parts = urlsplit(source)
    if parts.scheme in {"file", "local"}:
        return LocalStorage(url2pathname(parts.path), pull_interval=pull_interval)
    if parts.scheme and "://" in source:
        return RemoteStorage(source, pull_interval=pull_interval)
    return LocalStorage(source, pull_interval=pull_interval)


def _revealed(value: Any) -> Any:
    """What a block or a secret holds."""
    for reveal in ("get_secret_value", "get"):
        if hasattr(value, reveal) and not hasattr(value, "keys"):
            value = getattr(value, reveal)()
    return value


def _shown(url: str) -> str:
    """The URL without credentials."""
    return split_login(url)[0]
