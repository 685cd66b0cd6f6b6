"""Two packages, two servers: `prefect==3.9.1` in an environment of its own, and this one.

`make test-compat` makes that environment and names its Python in PLUPERFECT_PEER; without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 180.0  # seconds: the peer's server takes its time on a busy machine


@pytest.fixture(scope="session")
def peer() -> str:
    """The Python of an environment with `prefect==3.9.1`."""
    found = os.environ.get("PLUPERFECT_PEER")
    if not found:
        pytest.skip("needs prefect==3.9.1 in an environment of its own: run `make test-compat`")
    return found


def environment(home: Path, url: str | None = None) -> dict[str, str]:
    """No settings but a home, and a server if there is one; and no code but the installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    made = {**kept, "PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    return {**made, "PREFECT_API_URL": url} if url else made


def of(python: str, variables: dict[str, str]) -> dict[str, str]:
    """The environment for one side: our sources are for our Python only."""
    if python == sys.executable:
        return variables
    return {name: value for name, value in variables.items() if name != "PYTHONPATH"}


@contextmanager
def running(command: list[str], variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that goes on while the block runs, with what it says in a file."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command, env=variables, stdout=said, stderr=said, cwd=log.parent, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def served_by(python: str, folder: Path) -> Iterator[str]:
    """A server of one side; the URL of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [python, "-m", "prefect", "server", "start", "--port", str(port)]
    log = folder / "server.log"
    with running(command, of(python, environment(folder / "home")), log) as process:
        until(
            lambda: process.poll() is not None or is_healthy(url),
            f"a healthy server; see {log.read_text()[-2000:]}",
        )
        assert process.poll() is None, log.read_text()[-4000:]
        yield url


def is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def until(reached: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Look again and again: other processes are awaited here, which cannot signal."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def our_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_by(sys.executable, tmp_path_factory.mktemp("ours")) as url:
        yield url


@pytest.fixture(scope="session")
def peer_server(peer: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_by(peer, tmp_path_factory.mktemp("peer")) as url:
        yield url


Run = Callable[..., str]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a Python with arguments in a folder of its own; what it prints."""

    def run(python: str, url: str | None, *arguments: str) -> str:
        folder = tmp_path_factory.mktemp("run")
        ended = subprocess.run(
            [python, *arguments],
            env=of(python, environment(folder / "home", url)),
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def observed(run: Run) -> Callable[[str, str], dict[str, dict[str, object]]]:
    """What `pipelines.py`, run by one side's Python, leaves on a server; each pair is run once."""
    known: dict[tuple[str, str], dict[str, dict[str, object]]] = {}

    def observed(python: str, url: str) -> dict[str, dict[str, object]]:
        if (python, url) not in known:
            known[python, url] = json.loads(run(python, url, str(PROGRAMS / "pipelines.py")))
        return known[python, url]

    return observed
