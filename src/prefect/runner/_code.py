"""Where the code of deployments is: in their folder, or fetched from where it is stored, and kept up to date."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect.runner._children import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.deployments.runner import RunnerDeployment

_log = logging.getLogger("prefect.runner")


class Code:
    """The code of a runner's deployments. Fetched code lives as long as this."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._fetched: dict[Path, _Fetched] = {}

    def of(self, deployment: RunnerDeployment) -> tuple[Source, Callable[[], None] | None]:
        """Where a deployment's flow is, and what brings that up to date."""
        assert deployment.entrypoint is not None  # it could be registered
        if deployment.storage is None:
            return Source(deployment.entrypoint, deployment.folder), None
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="prefect-runner-")
        deployment.storage.set_base_path(Path(self._folder.name))
        fetched = self._fetched.setdefault(deployment.storage.destination, _Fetched(deployment.storage))
        fetched.refresh()
        return Source(deployment.entrypoint, fetched.folder), fetched.refresh

    def close(self) -> None:
        """Remove what was fetched."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class _Fetched:
    def __init__(self, storage: Any) -> None:
        self.folder: Path = storage.destination
        self._storage = storage
        self._at = float("-inf")

    def refresh(self) -> None:
        """Fetch it if that was not done in the last `pull_interval` seconds. Once fetched, a failure is no end."""
        interval = self._storage.pull_interval
        first = self._at == float("-inf")
        if not first and (interval is None or time.monotonic() - self._at < interval):
            return
        try:
            asyncio.run(self._storage.pull_code())
        except Exception as exc:
            if first:
                raise
            _log.warning("The code in %s could not be brought up to date: %s", self.folder, exc)
        self._at = time.monotonic()
