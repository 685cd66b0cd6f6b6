"""An image for the runs of deployments."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from prefect._base.clock import now
from prefect._version import PLUPERFECT_VERSION
from prefect.exceptions import PrefectException
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = ["BuildError", "DockerImage", "PushError"]

HOME: Final = "/opt/prefect"  # within the image


class BuildError(PrefectException):
    """An image could not be built."""


class PushError(PrefectException):
    """An image could not be pushed."""


class DockerImage:
    """An image for the runs of deployments.

    Args:
        name: with its registry; `:tag` may be part of it.
        tag: the time of now unless given.
        dockerfile: its path; "auto" makes one that installs `requirements.txt` and copies the working folder.
        stream_progress_to: is written what docker writes; None: nothing.
        build_backend: "docker-py" (`docker build`) or "buildx" (`docker buildx build`).
        build_kwargs: `platform`, `target`, `buildargs`, `labels`, `nocache`, `pull`, `network_mode`, and `context`,
            the folder that is sent to docker (the working folder unless given).

    Raises:
        ValueError: the tag is given twice.
        TypeError: there is no such build argument.
    """

    def __init__(
        self,
        name: str,
        tag: str | None = None,
        dockerfile: str = "auto",
        stream_progress_to: TextIO | None = sys.stdout,
        build_backend: Literal["docker-py", "buildx"] = "docker-py",
        **build_kwargs: Any,
    ) -> None:
        plain, own_tag = _split(name)
        if own_tag and tag:
            raise ValueError(
                f"Only one tag can be provided - both {own_tag!r} and {tag!r} were provided as tags."
            )
        unknown = sorted(set(build_kwargs) - {*_FLAGS, *_SWITCHES, "context"})
        if unknown:
            raise TypeError(f"DockerImage() got an unexpected build argument {unknown[0]!r}")
        namespace = get_current_settings().deployments.default_docker_build_namespace
        self.name = f"{namespace}/{plain}" if namespace and "/" not in plain else plain
        self.tag = tag or own_tag or f"{now():%Y-%m-%dt%H-%M-%S}z"
        self.dockerfile = dockerfile
        self.build_kwargs = build_kwargs
        self._out = stream_progress_to
        self._build = ["buildx", "build", "--load"] if build_backend == "buildx" else ["build"]

    @property
    def reference(self) -> str:
        """`name:tag`."""
        return f"{self.name}:{self.tag}"

    def build(self) -> None:
        """Build it. Raises BuildError: docker could not, or there is no docker."""
        context = str(self.build_kwargs.get("context") or ".")
        words = [*self._build, "--tag", self.reference, *self._flags()]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(self.dockerfile)
            if self.dockerfile == "auto":
                file = Path(folder, "Dockerfile")
                file.write_text(dockerfile_of(Path(context)), encoding="utf-8")
            elif not file.is_file():
                raise BuildError(f"Expected a Dockerfile at {file.absolute()}, found none.")
            self._docker(BuildError, f"build image {self.reference}", [*words, "--file", str(file), context])

    def push(self) -> None:
        """Push it to its registry. Raises PushError: docker could not, or there is no docker."""
        self._docker(PushError, f"push image {self.reference}", ["push", self.reference])

    def _flags(self) -> Iterator[str]:
        for name, value in self.build_kwargs.items():
            if name in _SWITCHES and value:
                yield _SWITCHES[name]
            elif name in _FLAGS and isinstance(value, dict):
                for key, each in value.items():  # pyright: ignore[reportUnknownVariableType] # texts, or what has a text
                    yield from (_FLAGS[name], f"{key}={each}")
            elif name in _FLAGS and value is not None:
                yield from (_FLAGS[name], str(value))

    def _docker(self, error: type[PrefectException], what: str, words: list[str]) -> None:
        docker = shutil.which("docker")
        if docker is None:
            raise error(
                f"Expected the command `docker` to {what}, found none. Install Docker; or pass build=False and "
                "push=False for an image that is there already; or deploy from a source: "
                "flow.from_source('https://….git', 'file.py:name').deploy(…)."
            )
        last: list[str] = []
        with subprocess.Popen(  # noqa: S603 - without a shell
            [docker, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process:
            for line in process.stdout or ():
                last = [*last[-19:], line]
                if self._out is not None:
                    self._out.write(line)
        if process.returncode != 0:
            raise error(f"docker could not {what} (exit code {process.returncode}):\n{''.join(last).strip()}")


_FLAGS: Final = {
    "platform": "--platform",
    "target": "--target",
    "network_mode": "--network",
    "buildargs": "--build-arg",
    "labels": "--label",
}
_SWITCHES: Final = {"nocache": "--no-cache", "pull": "--pull"}


def folder_in_image(context: Path | None = None) -> str:
    """Where the code of a folder is in an image with `dockerfile="auto"`."""
    return f"{HOME}/{(context or Path.cwd()).resolve().name or 'code'}"


def dockerfile_of(context: Path) -> str:
    """The Dockerfile of "auto" for a folder."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = folder_in_image(context)
    lines = [f"FROM python:{python}-slim", f"RUN pip install --no-cache-dir pluperfect=={PLUPERFECT_VERSION}"]
    if (context / "requirements.txt").is_file():
        lines += [f"COPY requirements.txt {folder}/requirements.txt"]
        lines += [f"RUN pip install --no-cache-dir -r {folder}/requirements.txt"]
    lines += [f"COPY . {folder}/", f"WORKDIR {folder}/"]
    return "\n".join(lines) + "\n"


def _split(name: str) -> tuple[str, str | None]:
    """The name without its tag; a port of the registry is no tag."""
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, None)
