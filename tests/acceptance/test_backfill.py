"""`prefect deployment backfill` with what executes its runs: a real `serve`, and a server with a real worker."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 120.0
FLOWS = """
import sys
import time
from datetime import date
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run

HERE = Path(__file__).parent


@flow
def daily(as_of: date):
    assert type(as_of) is date
    with (HERE / "seen.txt").open("a") as file:
        file.write(f"begins {as_of} {flow_run.scheduled_start_time:%Y-%m-%dT%H:%M}\\n")
    time.sleep(0.2)
    while (HERE / "held").exists():
        time.sleep(0.05)
    with (HERE / "seen.txt").open("a") as file:
        file.write("ends\\n")


if __name__ == "__main__":
    daily.serve(name="prod", cron="0 6 * * *", paused=False, print_starting_message=True)
"""
WORKED = """
import sys
from prefect import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.schedules import Cron

sys.path.insert(0, sys.argv[1])
from flows import daily
from prefect.deployments.runner import RunnerDeployment

with get_client(sync_client=True) as client:
    client.create_work_pool(WorkPoolCreate(name="machines", type="process"))
made = RunnerDeployment.from_entrypoint("flows.py:daily", name="prod", cron="0 6 * * *", work_pool_name="machines")
made.apply()
"""


class Place:
    """A folder with a flow, a store of its own, and the processes that were started there; none is left."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self._started: list[subprocess.Popen[str]] = []
        (folder / "flows.py").write_text(FLOWS)

    def begin(self, *words: object) -> subprocess.Popen[str]:
        output = (self.folder / f"said-{len(self._started)}.txt").open("w")
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=self.environment,
            stdout=output,
            stderr=output,
            text=True,
            start_new_session=True,
        )
        output.close()
        self._started.append(process)
        return process

    def prefect(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "prefect", *words]
        ended = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240
        )
        assert ended.returncode == code, f"{words}: {ended.stdout}\n{ended.stderr}\n{self.said()}"
        return ended.stdout

    def said(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("said-*.txt")))

    def seen(self) -> list[str]:
        """The slots of the runs that have begun, in their order: the parameter, and the logical time."""
        path = self.folder / "seen.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.removeprefix("begins ") for line in lines if line.startswith("begins")]

    def most(self) -> int:
        """How many ran at once at most."""
        going = most = 0
        for line in (self.folder / "seen.txt").read_text().splitlines():
            going += 1 if line.startswith("begins") else -1
            most = max(most, going)
        return most

    def until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"not so: {what}\n{self.said()}"
            time.sleep(0.05)  # nothing tells this process

    def end(self) -> None:
        for process in reversed(self._started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(60)


@pytest.fixture
def place(tmp_path: Path, environment: dict[str, str]) -> Iterator[Place]:
    made = Place(tmp_path, {**environment, "PREFECT_LOGGING_LEVEL": "INFO"})
    yield made
    made.end()


def serve(place: Place) -> None:
    place.begin("flows.py")
    place.until(lambda: "being served" in place.said(), "it serves")


def work(place: Place) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place.begin("-m", "prefect", "server", "start", "--port", port)
    place.environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    place.until(lambda: _answers(port), "the server answers")
    made = subprocess.run(
        [sys.executable, "-c", WORKED, str(place.folder)],
        cwd=place.folder,
        env=place.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    place.begin("-m", "prefect", "worker", "start", "--pool", "machines")
    place.until(lambda: "started!" in place.said(), "the worker works")


def _answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


SLOTS = [f"2026-03-0{day} 2026-03-0{day}T06:00" for day in range(1, 7)]
SPAN = ("--from", "2026-03-01", "--to", "2026-03-06", "--parameter-from-slot", "as_of")
BACKFILL = ("deployment", "backfill", "daily/prod", *SPAN)


@pytest.mark.slow
@pytest.mark.parametrize("executor", [serve, work])
def test_a_backfill_is_executed_goes_on_after_a_kill_and_ends(place: Place, executor) -> None:
    executor(place)
    planned = place.prefect(*BACKFILL, "--dry-run")
    assert "6 runs would be made" in planned
    assert re.findall(r"2026-03-0\dT06:00", planned) == [slot.split()[1] for slot in SLOTS]
    assert place.seen() == []

    (place.folder / "held").touch()
    first = place.begin("-m", "prefect", *BACKFILL, "--limit", "2")
    place.until(lambda: len(place.seen()) == 2, "two runs have begun")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(60)
    (place.folder / "held").unlink()

    counts = json.loads(place.prefect(*BACKFILL, "--limit", "2", "-o", "json"))
    assert (counts["made"], counts["before"], counts["failed"]) == (4, 2, 0)
    assert sorted(place.seen()) == SLOTS  # each slot once, with its logical time and as a typed parameter
    assert place.most() == 2

    again = json.loads(place.prefect(*BACKFILL, "-o", "json"))
    assert again == {"made": 0, "before": 6, "completed": 0, "failed": 0}
    assert sorted(place.seen()) == SLOTS


def test_a_backfill_over_serve(place: Place) -> None:
    serve(place)
    said = place.prefect("deployment", "backfill", "daily/prod", "--from", "2026-03-01", "--to", "2026-03-02",
                         "--parameter-from-slot", "as_of", "--limit", "1")  # fmt: skip
    assert "2 runs made: 2 completed, 0 not." in said
    assert place.seen() == SLOTS[:2]
    assert place.most() == 1
