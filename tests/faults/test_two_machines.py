"""Two machines (network, process and name spaces of their own), a worker on each, one server on Postgres.

One machine is lost in the middle of a run: the other goes on with it, and what was recorded is not run again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from faults.cable import cable
from faults.elsewhere import NAME, another_machine
from faults.outage import PROGRAMS, Outage, outage

LEASE_SECONDS = "2"
SETTINGS = {
    "PREFECT_RUNS_LEASE_SECONDS": LEASE_SECONDS,
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "1",
}
PATIENCE = 60.0
REGISTER = """
import sys
from prefect.client.orchestration import get_client

folder, pool = sys.argv[1:]
with get_client(sync_client=True) as client:
    flow_id = client.create_flow_from_name("both")
    found = client.create_deployment(
        flow_id, "d", entrypoint="machines.py:both", path=folder, work_pool_name=pool,
        labels={"pluperfect.recover": 1},
    )
    print(client.create_flow_run_from_deployment(found).id)
"""


@contextmanager
def machine(
    name: str, network: tuple[str, ...], away: Outage, words: Path, said: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """A machine whose only program is a worker; at the end it is gone."""
    beside = [word.replace(NAME, name) for word in another_machine()]
    home = words.parent / name
    environment = away.environment(
        home,
        **away.reach,
        MACHINES_WORDS=str(words),
        PREFECT_RUNS_LEASE_SECONDS=LEASE_SECONDS,
        PREFECT_RESULTS_LOCAL_STORAGE_PATH=str(words.parent / "results"),  # shared by the machines
    )
    command = ["worker", "start", "--pool", "machines", "--name", name]
    started = subprocess.Popen(
        [*network, *beside, sys.executable, "-m", "prefect", *command],
        env=environment,
        stdout=said,
        stderr=said,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        lose(started)


def lose(machine: subprocess.Popen[bytes]) -> None:
    """Every process of it at once, without a word: the first of its process space is killed."""
    children = f"/proc/{machine.pid}/task/{machine.pid}/children"
    if machine.poll() is None:
        for pid in Path(children).read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        machine.kill()
        machine.wait(30)


def until(condition: Callable[[], bool], said: Path) -> None:
    """Look again and again, as what is awaited happens on another machine."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, said.read_text()[-3000:]
        time.sleep(0.1)


def register(away: Outage) -> None:
    """A deployment in the pool `machines`, and a run of it."""
    away.command("work-pool", "create", "machines", "--type", "process")
    environment = away.environment(away.home, **away.reach)
    program = [*away._beside_clients, sys.executable, "-c", REGISTER, str(PROGRAMS), "machines"]
    subprocess.run(program, env=environment, check=True, capture_output=True)


@pytest.mark.slow
def test_the_run_of_a_lost_machine_is_recovered_by_another(postgres, tmp_path):
    words, log = tmp_path / "words", tmp_path / "workers"
    words.touch()
    with (
        cable() as wire,
        outage(tmp_path, postgres.fresh(), **SETTINGS) as away,
        log.open("wb") as said,
    ):
        away.move(wire.address, wire.there, wire.here)
        away.start_server()
        register(away)
        with machine("machine-a", wire.here, away, words, said) as lost:
            until(lambda: "second on machine-a" in words.read_text(), log)
            with machine("machine-b", wire.there, away, words, said):
                lose(lost)
                until(lambda: "second on machine-b" in words.read_text(), log)
                until(lambda: state_of(away) == "COMPLETED", log)
        (run,) = away.ledger().flow_runs.values()
    assert run.run_count == 2
    assert words.read_text().splitlines() == [
        "first on machine-a",
        "second on machine-a",
        "second on machine-b",
    ]


def state_of(away: Outage) -> str:
    (run,) = away.ledger().flow_runs.values()
    return run.state.type
