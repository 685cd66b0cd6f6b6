"""A server that is killed and started again, and a flow in another process that reports to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from prefect.testing import _ledger
from prefect.testing._ledger import Ledger

PROGRAMS = Path(__file__).parent / "programs"
SOURCE = Path(__file__).parents[2] / "src"
_COMMAND = [sys.executable, "-c", "from prefect.cli import main; main()"]


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        return asking.getsockname()[1]


class Outage:
    """A server with a home of its own, and processes with another one that speak to it.

    Args:
        folder: for both homes.
        database: where the server keeps its records; a SQLite file in its home, if none is given.
        settings: of the server.
    """

    def __init__(self, folder: Path, database: str | None = None, **settings: str) -> None:
        self.server_home, self.home = folder / "server", folder / "client"
        self.database = database or f"sqlite:///{self.server_home / 'pluperfect.db'}"
        self.port = free_port()
        self._settings = {"PREFECT_API_DATABASE_CONNECTION_URL": self.database, **settings}
        self.words = folder / "server-words"
        """What the server says."""
        folder.mkdir(parents=True, exist_ok=True)
        self.words.touch()
        self.move("127.0.0.1")
        self._server: subprocess.Popen[bytes] | None = None

    def move(self, host: str, server: Sequence[str] = (), clients: Sequence[str] = ()) -> None:
        """Have the server listen at an address; `server` and `clients` stand before the commands of either."""
        self.url = f"http://{host}:{self.port}/api"
        self.reach = {"PREFECT_API_URL": self.url}
        """By what settings its clients reach the records."""
        self._host, self._beside_server, self._beside_clients = host, server, clients

    def bypass(self) -> None:
        """Let the clients write into the database themselves."""
        self.reach = {"PREFECT_API_DATABASE_CONNECTION_URL": self.database}

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """Of a child: no PREFECT_* of the caller's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return {**kept, "PREFECT_HOME": str(home), "PYTHONPATH": str(SOURCE), **more}

    def start_server(self, *, wait: bool = True) -> None:
        """Start it, and wait until it answers."""
        program = [
            *self._beside_server,
            sys.executable,
            str(PROGRAMS / "serve.py"),
            str(self.port),
            self._host,
        ]
        self.server_home.mkdir(parents=True, exist_ok=True)
        environment = self.environment(self.server_home, **self._settings)
        with self.words.open("ab") as words:
            self._server = subprocess.Popen(program, env=environment, stderr=words)
        if wait:
            self.await_server()

    def kill_server(self) -> None:
        """SIGKILL, as a power cut would have it."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(30)
            self._server = None

    def await_server(self) -> None:
        """Wait until the server that was started answers."""
        while self._server is not None and self._server.poll() is None and not self._answers():
            try:
                self._server.wait(0.05)
            except subprocess.TimeoutExpired:
                continue

    def outlast(self, seconds: float) -> None:
        """Let so many seconds pass; the server is to live through them."""
        assert self._server is not None
        with suppress(subprocess.TimeoutExpired):
            self._server.wait(seconds)
            raise AssertionError(f"the server has ended: {self.words.read_text()[-2000:]}")

    def _answers(self) -> bool:
        if self._beside_clients:
            asking = (
                f"import urllib.request; urllib.request.urlopen('{self.url}/pluperfect/hello', timeout=5)"
            )
            asked = [*self._beside_clients, sys.executable, "-c", asking]
            return subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode == 0
        try:
            with urllib.request.urlopen(f"{self.url}/pluperfect/hello", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def start_flow(self, *arguments: object, **variables: str) -> subprocess.Popen[str]:
        """A process that runs `reporting.py`."""
        return self.start_program("reporting.py", *arguments, **variables)

    def start_program(
        self,
        name: str,
        *arguments: object,
        errors: IO[str] | int = subprocess.PIPE,
        prefix: Sequence[str] = (),
        **variables: str,
    ) -> subprocess.Popen[str]:
        """A process that runs a program and reports to the server; what it says on stderr goes to `errors`."""
        program = [*prefix, sys.executable, str(PROGRAMS / name), *map(str, arguments)]
        return self._start(program, errors, variables)

    def start_command(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """A process that runs a `prefect …` command of the client's."""
        return self._start([*_COMMAND, *arguments], subprocess.PIPE, variables)

    def _start(
        self, program: Sequence[str], errors: IO[str] | int, variables: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            program,
            env=self.environment(self.home, **self.reach, **variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )

    def command(self, *arguments: str) -> str:
        """What a `prefect …` command of the client's says."""
        environment = self.environment(self.home, **self.reach)
        ended = subprocess.run(
            [*self._beside_clients, *_COMMAND, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def spilled(self) -> list[Path]:
        """The files of batches that wait on the client's side."""
        return sorted((self.home / "spill").glob("*.spill"))

    def ledger(self) -> Ledger:
        """What the server has on record."""
        return _ledger.read_store(self.database)


@contextmanager
def outage(folder: Path, database: str | None = None, **settings: str) -> Iterator[Outage]:
    """An outage of this test alone; no process is left behind."""
    made = Outage(folder, database, **settings)
    try:
        yield made
    finally:
        made.kill_server()


def wait_for(output: IO[str], line: str) -> None:
    """Read a process's output up to a line."""
    for said in output:
        if said.strip() == line:
            return
    raise AssertionError(f"the process ended before it said {line!r}")


def end(process: subprocess.Popen[str], *, timeout: float = 120) -> str:
    """Wait for the end of a process that ends well; what it said on stderr."""
    try:
        _, said = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        raise
    assert process.returncode == 0, said
    return said
