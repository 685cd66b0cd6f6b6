"""Two servers with two schedulers on one store, killed in turns: every slot of a schedule becomes one run."""

from __future__ import annotations

import json
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from faults import invariants
from faults.outage import Outage, outage
from faults.storm import figures
from prefect._base.clock import now_us
from prefect._storage import flow_runs
from prefect._storage.opening import open_store

pytestmark = pytest.mark.slow  # half a minute or more each

DEPLOYMENTS = 20
AHEAD = 60  # seconds: longer than a leader that has died is waited for
SETTINGS = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "0.1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": str(AHEAD),
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "0.5",
}
LENGTHS = [pytest.param(3, 1.2, id="3-kills"), pytest.param(30, 2, id="30-kills", marks=pytest.mark.slow)]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize(("kills", "every"), LENGTHS)
def test_two_schedulers_whose_servers_are_killed_in_turns(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, kills: int, every: float
):
    database = request.getfixturevalue("postgres").fresh() if store == "postgres" else None
    with ExitStack() as both:
        first = both.enter_context(outage(tmp_path, database, **SETTINGS))
        second = both.enter_context(outage(tmp_path, first.database, **SETTINGS))
        first.start_server()
        second.start_server()
        deployments = deploy(first)
        watch = invariants.Watch(first.database)
        for number in range(kills):
            victim = (first, second)[number % 2]
            victim.outlast(every)
            victim.kill_server()
            watch.look()
            victim.start_server(wait=False)
        first.await_server()
        first.outlast(every)
    invariants.check(first.database, watch)
    slots = slots_of(first.database)
    assert set(slots) == deployments
    for found in slots.values():
        check_slots(found)
    made = sum(map(len, slots.values()))
    figures("two schedulers", deployments=DEPLOYMENTS, runs=made, kills=kills, every=f"{every} s")


def deploy(server: Outage) -> set[bytes]:
    """Deployments with a schedule of a slot a second; their ids."""
    with closing(open_store(server.database)) as store, store.write() as cx:
        flow_id = str(UUID(bytes=flow_runs.flow_id_of(cx, "scheduled", now_us())))
    schedule = {"schedule": {"interval": 1, "anchor_date": "2026-01-01T00:00:00Z"}}
    return {
        UUID(
            post(server, "/deployments/", {"name": f"d-{n}", "flow_id": flow_id, "schedules": [schedule]})[
                "id"
            ]
        ).bytes
        for n in range(DEPLOYMENTS)
    }


def post(server: Outage, path: str, body: dict[str, Any]) -> Any:
    """What the server answers to a script."""
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{server.url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=30) as answer:
        return json.load(answer)


def slots_of(url: str) -> dict[bytes, list[int]]:
    """The times (in seconds) of the runs of each deployment."""
    found: dict[bytes, list[int]] = {}
    with closing(open_store(url)) as store:
        for deployment_id, time in store.rows("SELECT deployment_id, expected_start_time FROM flow_run"):
            found.setdefault(deployment_id, []).append(time // 1_000_000)
    return found


def check_slots(found: list[int]) -> None:
    """One run a second, from the first to the last, and the last is ahead."""
    assert max(found) > now_us() // 1_000_000
    assert sorted(found) == list(range(min(found), max(found) + 1))
