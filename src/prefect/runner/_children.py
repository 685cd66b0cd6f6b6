"""Cold children (stand-in until the fork server is merged)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID


class Source(NamedTuple):
    """Where a flow is."""

    entrypoint: str
    folder: Path


class Ending(NamedTuple):
    """How a child ended."""

    exit_code: int | None
    signal: int | None
    cause: str | None
    peak_memory: int | None


class Child:
    """A process."""

    def __init__(self, run_id: UUID, process: subprocess.Popen[str]) -> None:
        self.run_id = run_id
        self.pid = process.pid
        self.process = process

    def terminate(self) -> None:
        """SIGTERM."""
        self.process.terminate()

    def kill(self) -> None:
        """SIGKILL."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Children:
    """Cold starts."""

    def __init__(
        self, on_line: Callable[[Child, str], None], on_end: Callable[[Child, Ending], None]
    ) -> None:
        self._on_line = on_line
        self._on_end = on_end

    def warm(self, source: Source) -> None:
        """Nothing."""

    def start(
        self,
        run_id: UUID,
        source: Source,
        *,
        env: Mapping[str, str] = {},
        command: str | None = None,
        working_dir: Path | None = None,
    ) -> Child:
        """Start one."""
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "flow-run", "retry", str(run_id), "--entrypoint", source.entrypoint],
            cwd=working_dir or source.folder,
            env={**os.environ, **env},
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        child = Child(run_id, process)
        threading.Thread(target=self._watch, args=(child,), daemon=True).start()
        return child

    def _watch(self, child: Child) -> None:
        assert child.process.stdout is not None
        for line in child.process.stdout:
            self._on_line(child, line.rstrip("\n"))
        code = child.process.wait()
        cause = f"exit {code}" if code else None
        self._on_end(child, Ending(code if code >= 0 else None, -code if code < 0 else None, cause, None))

    def close(self) -> None:
        """Nothing."""
