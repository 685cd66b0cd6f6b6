"""A server on a home of its own, and what clients in threads ask of it. Standard library only."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

PATIENCE = 120.0  # seconds until a server that does not answer is given up
CLIENTS = 8


class Server(NamedTuple):
    """One that is healthy."""

    port: int
    pid: int
    home: Path
    seconds: float  # until it was healthy

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"


@contextmanager
def serving(home: str) -> Iterator[Server]:
    """A server in a process of its own, stopped at the end."""
    port = free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
        env={**os.environ, "PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_healthy(port, process, started)
        yield Server(port, process.pid, Path(home), time.perf_counter() - started)
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def on_disk(home: str) -> int:
    """Bytes of a database, with its write-ahead log where its server has left one."""
    return sum(path.stat().st_size for path in Path(home).glob("*.db*"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_healthy(port: int, process: subprocess.Popen[bytes], started: float) -> None:
    while time.perf_counter() - started < PATIENCE and process.poll() is None:
        try:
            if Client(port, timeout=2).get("/health") == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"expected a server that is healthy within {PATIENCE:.0f} s")


class Client:
    """One connection, kept. Cheaper than any library: what is measured is the server."""

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def get(self, path: str) -> int:
        """The status."""
        self._connection.request("GET", f"/api{path}")
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def post(self, path: str, body: Any) -> tuple[int, bytes]:
        """The status and the content; a connection that was closed is made again, once, and then the status is 0."""
        content = json.dumps(body)
        for _ in range(2):
            try:
                self._connection.request("POST", f"/api{path}", content, {"Content-Type": "application/json"})
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
        return 0, b""


def create(server: Server, flow: str, count: int, seconds: float) -> tuple[int, int, float]:
    """Flow runs made by eight clients at once: until there are `count`, or the time is up.

    Returns:
        How many were made, how many refused, and the seconds that it took.
    """
    answers: list[int] = []
    ends = time.perf_counter() + seconds

    def ask() -> None:
        body = {"flow_id": flow, "state": {"type": "PENDING"}, "parameters": {"x": 1}}
        client = Client(server.port)
        while len(answers) < count and time.perf_counter() < ends:
            answers.append(client.post("/flow_runs/", body)[0])

    started = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = sum(200 <= status < 300 for status in answers)
    return made, len(answers) - made, time.perf_counter() - started


def wait_until_recorded(server: Server, noun: str, expected: int, started: float) -> tuple[int, float]:
    """How many runs are on record, and when the last of them was; a minute without a new one ends it."""
    client = Client(server.port)
    recorded, changed = 0, time.perf_counter()
    while recorded < expected and time.perf_counter() - changed < 60:
        found = int(client.post(f"/{noun}/count", {})[1])
        if found != recorded:
            recorded, changed = found, time.perf_counter()
        else:
            time.sleep(0.05)
    return recorded, changed - started
