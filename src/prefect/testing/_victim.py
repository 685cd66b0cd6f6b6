"""A program in a process of its own, with a PREFECT_HOME of its own, that is killed and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KILLED = -signal.SIGKILL
_OTHER_STORES = {
    "PREFECT_API_URL",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
}


class End(NamedTuple):
    """How a process ended: its exit code, seconds from its line `started` (or its begin), and what it said."""

    code: int
    seconds: float
    said: str


class Victim:
    """Starts `python *command` in `folder/home`, as often as it is asked to; its words go to a file."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.command = list(command)
        self.home = folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        self._words = folder / "words"
        own = {"PREFECT_HOME": str(self.home), "PREFECT_TERMINAL_LIVE": "false"}
        kept = {name: value for name, value in os.environ.items() if name not in _OTHER_STORES}
        self.environment = {**kept, **own, **(environment or {})}

    def run(self, environment: Mapping[str, str] | None = None, *, kill_after: float | None = None) -> End:
        """Run the program to its end, or kill it `kill_after` seconds after its line `started`."""
        return self._run(self.command, environment, kill_after, await_start=True)

    def retry(self, run_id: bytes, *, kill_after: float | None = None) -> End:
        """Resume the run, as a person does."""
        command = ["-m", "prefect", "flow-run", "retry", str(UUID(bytes=run_id))]
        return self._run(command, None, kill_after, await_start=False)

    def _run(
        self,
        command: list[str],
        environment: Mapping[str, str] | None,
        kill_after: float | None,
        *,
        await_start: bool,
    ) -> End:
        with (
            self._words.open("w+", encoding="utf-8") as words,
            subprocess.Popen(
                [sys.executable, *command],
                env={**self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
            ) as process,
        ):
            assert process.stdout is not None
            first = process.stdout.readline() if await_start else ""
            began = time.monotonic()
            try:
                out, _ = process.communicate(timeout=kill_after)
            except subprocess.TimeoutExpired:
                process.kill()
                out, _ = process.communicate()
            seconds = time.monotonic() - began
            words.seek(0)
            return End(process.returncode, seconds, first + out + words.read())
