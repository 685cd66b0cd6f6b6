"""What can happen to `serve`: two of one identity, a runner killed under a queue, a machine that slept, a full disk.

Every run ends in a true state with a reason, nothing runs again after its result was recorded, no slot is lost or
doubled. A child that ignores SIGTERM and a module that no longer imports are in tests/server/test_runner.py.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from databases import kept_in
from faults import invariants
from faults.slept import Slept
from faults.test_store_faults import small_disk
from prefect._base.clock import now, use_clock
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter
from prefect.model.runs import FlowRun

PROGRAM = Path(__file__).parent / "programs" / "served.py"
PATIENCE = 120.0
SETTINGS = {
    "PYTHONPATH": os.pathsep.join(sys.path),
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "0.2",
}
RUNS = [pytest.param(20, id="20-runs"), pytest.param(100, id="100-runs", marks=pytest.mark.slow)]


class Served:
    """The program, as often as it is started, on one store; and what its flows have noted."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.notes = folder / "notes"
        self.notes.touch()
        self.errors = folder / "errors"
        self.watch = invariants.Watch(url)
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: object) -> subprocess.Popen[bytes]:
        """One more process that serves."""
        with self.errors.open("a") as errors:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), *map(str, arguments)],
                env={**os.environ, **SETTINGS, "NOTES": str(self.notes)},
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def noted(self) -> Counter[str]:
        """How often each line was noted."""
        return Counter(self.notes.read_text().splitlines())

    def stop_all(self) -> None:
        """As a person does who is in a hurry: none may need more than two signals."""
        for process in self.processes:
            for _ in range(2):
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(PATIENCE)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """On a store of this test's own, which this process uses too."""
    postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres").fresh() if postgres else f"sqlite:///{tmp_path / 'store.db'}"
    with serving(url, tmp_path) as made:
        yield made


@contextmanager
def serving(url: str, folder: Path) -> Iterator[Served]:
    """Whatever happens, no process is left."""
    with kept_in(url):
        made = Served(url, folder)
        try:
            yield made
        finally:
            made.stop_all()


@pytest.fixture
def client(served: Served) -> Iterator[SyncPrefectClient]:
    """A client on the store."""
    with get_client(sync_client=True) as asking:
        yield asking


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until something is so, and give that."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} has not come to be so in {PATIENCE} s"
        time.sleep(0.05)  # nothing tells this process
    return found


def deployment(client: SyncPrefectClient, name: str) -> UUID:
    """The deployment's id, once it is there."""
    asked = DeploymentFilter.model_validate({"name": {"any_": [name]}})
    return until(lambda: client.read_deployments(deployment_filter=asked), f"deployment {name}")[0].id


def states(client: SyncPrefectClient) -> Counter[str]:
    """How many runs are in a state of each name."""
    return Counter(run.state_name or "" for run in all_runs(client))


def all_runs(client: SyncPrefectClient) -> list[FlowRun]:
    """Every run, however many."""
    found: list[FlowRun] = []
    while page := client.read_flow_runs(limit=200, offset=len(found)):
        found += page
    return found


def test_two_of_one_identity(served: Served, client: SyncPrefectClient):
    """The same program, started twice: a run that is asked for, or has a slot, is executed once."""
    for _ in range(2):
        served.start(5, 1)
    queued = deployment(client, "queued")
    runs = [client.create_flow_run_from_deployment(queued, parameters={"number": n}) for n in range(30)]
    until(lambda: len([one for one in served.noted() if one.startswith("tick")]) >= 5, "five slots")
    until(lambda: all(client.read_flow_run(run.id).state_name == "Completed" for run in runs), "all runs")
    served.stop_all()
    assert set(served.noted().values()) == {1}
    slots = [run.expected_start_time for run in all_runs(client) if "auto-scheduled" in run.tags]
    assert len(slots) == len(set(slots))
    invariants.check(served.url, served.watch)


@pytest.mark.parametrize("number", RUNS)
def test_a_runner_killed_under_queued_runs(served: Served, client: SyncPrefectClient, number: int):
    """The runs that it had in hand are taken up again, and the others executed, by whoever comes next."""
    first = served.start(4)
    queued = deployment(client, "queued")
    for n in range(number):
        client.create_flow_run_from_deployment(queued, parameters={"number": n})
    until(lambda: len(served.noted()) >= number // 2, "a quarter of the runs")
    first.kill()
    first.wait()
    served.watch.look()
    served.start(4)
    until(lambda: states(client) == {"Completed": number}, "all runs")
    noted = served.noted()
    assert {noted[f"begun {n}"] >= 1 for n in range(number)} == {True}
    invariants.check(served.url, served.watch)
    replayed = [n for n in range(number) if noted[f"begun {n}"] > 1]
    assert all(noted[f"durable {n}"] == 1 for n in range(number) if n not in replayed)
    assert len(replayed) <= 4  # those that it had in hand


def test_a_machine_that_was_asleep_for_an_hour(
    served: Served, client: SyncPrefectClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What ran goes on and ends well; each slot of the hour that was made ahead is executed once, and late."""
    (tmp_path / "clock").write_text("0")
    monkeypatch.setenv("CLOCK", str(tmp_path / "clock"))
    with use_clock(Slept(tmp_path / "clock")) as clock:
        served.start(5, 1200)
        long = deployment(client, "long")
        parameters = {"until": str(tmp_path / "awake")}
        run = client.create_flow_run_from_deployment(long, parameters=parameters)
        until(lambda: served.noted()["waiting"], "the long run")
        until(lambda: len(slots_of(client)) >= 3, "slots ahead")
        clock.sleep_for(3600)
        due = {slot for slot in slots_of(client) if slot <= now()}
        until(lambda: len(ticks(served)) >= len(due), "the slots of the hour")
        served.watch.look()
        (tmp_path / "awake").touch()
        until(lambda: client.read_flow_run(run.id).state_name == "Completed", "the long run")
        served.stop_all()
        slots = slots_of(client)
        invariants.check(served.url, served.watch)
    assert len(due) >= 3
    assert len(slots) == len(set(slots))
    assert set(served.noted().values()) == {1}


def slots_of(client: SyncPrefectClient) -> list[datetime]:
    """The slots that have a run, whatever became of it."""
    runs = [run for run in all_runs(client) if "auto-scheduled" in run.tags]
    return [run.expected_start_time for run in runs if run.expected_start_time is not None]


def ticks(served: Served) -> list[str]:
    """What the flow on a schedule has noted."""
    return [line for line in served.noted() if line.startswith("tick")]


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_store_that_is_gone_keeps_nobody(tmp_path: Path, number: signal.Signals, busy: bool):
    """Two signals end the process, with the processes of its runs, though nothing can be recorded any more."""
    home = tmp_path / "home"
    home.mkdir()
    with (
        serving(f"sqlite:///{home / 'store.db'}", tmp_path) as served,
        get_client(sync_client=True) as client,
    ):
        process = served.start(2)
        long = deployment(client, "long")
        if busy:
            client.create_flow_run_from_deployment(long, parameters={"until": "/never"})
            until(lambda: served.noted()["waiting"], "the long run")
        shutil.rmtree(home)
        for _ in range(2):
            process.send_signal(number)
            time.sleep(0.2)  # two signals that come as one are one
        process.wait(40)


def test_a_full_disk(tmp_path: Path):
    """Runs end truthfully or wait; once there is room again, every one of them is executed, and none is lost."""
    (tmp_path / "disk").mkdir()
    with (
        small_disk(tmp_path / "disk", "3m"),
        serving(f"sqlite:///{tmp_path / 'disk' / 'store.db'}", tmp_path) as served,
        get_client(sync_client=True) as client,
    ):
        served.start(2)
        queued = deployment(client, "queued")
        runs = [
            client.create_flow_run_from_deployment(queued, parameters={"number": n, "words": 40_000})
            for n in range(12)
        ]
        until(lambda: "disk is full" in served.errors.read_text(), "a full disk")
        served.watch.look()
        subprocess.run(["mount", "-o", "remount,size=64m", str(tmp_path / "disk")], check=True)

        def ended() -> bool:
            found = [client.read_flow_run(run.id).state for run in runs]
            return all(state is not None and state.is_final() for state in found)

        until(ended, "all runs")
        last = client.create_flow_run_from_deployment(queued, parameters={"number": 99})
        until(lambda: client.read_flow_run(last.id).state_name == "Completed", "the run after that")
        served.stop_all()
        for run in runs:
            state = client.read_flow_run(run.id).state
            assert state is not None
            assert state.is_completed() or state.message
        invariants.check(served.url, served.watch)
