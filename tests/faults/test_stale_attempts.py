"""A process that was taken for dead wakes, when somebody else has taken its run up: what it says then changes nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from faults import invariants
from faults.elsewhere import another_machine
from faults.outage import Outage, end, outage, wait_for
from prefect._storage import flow_runs
from prefect._storage.opening import open_store
from prefect.testing import _ledger
from prefect.testing._ledger import unfinished

pytestmark = pytest.mark.slow  # half a minute or more each

QUICK = {("sqlite", "http", "flow", "early"), ("postgres", "database", "flow", "late")}
FLOW, SUBFLOW = "1", "2"
CASES = [
    pytest.param(store, over, holds, wakes, id=f"{store}-{over}-{where}-{wakes}", marks=marks)
    for store in ("sqlite", "postgres")
    for over in ("http", "database")
    for where, holds in (("flow", FLOW), ("subflow", SUBFLOW))
    for wakes in ("early", "late")
    for marks in [() if (store, over, where, wakes) in QUICK else (pytest.mark.slow,)]
]


@contextmanager
def records(request: pytest.FixtureRequest, tmp_path: Path, store: str, over: str) -> Iterator[Outage]:
    """Records of this test alone, with or without a server; leases are short."""
    database = request.getfixturevalue("postgres").fresh() if store == "postgres" else None
    with outage(tmp_path, database, PREFECT_RUNS_LEASE_SECONDS="1") as made:
        if over == "http":
            made.start_server()
        else:
            made.server_home.mkdir()
            made.bypass()
        yield made


@pytest.mark.parametrize(("store", "over", "holds", "wakes"), CASES)
def test_a_stale_attempt_that_wakes_changes_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, over: str, holds: str, wakes: str
):
    with records(request, tmp_path, store, over) as away:
        stale = start_and_stop(away, tmp_path, holds)
        try:
            run_id = await_crash(away)
            watch = invariants.Watch(away.database)
            watch.look()
            (succeed_early if wakes == "early" else succeed_late)(away, tmp_path, run_id, holds, stale)
            said = stale.communicate()[1]
        finally:
            if stale.poll() is None:
                os.killpg(stale.pid, signal.SIGKILL)
                stale.communicate()
        check_that_nothing_is_stale(away, watch, run_id)
        assert "superseded attempt" in said + away.words.read_text()


def succeed_early(
    away: Outage, tmp_path: Path, run_id: bytes, holds: str, stale: subprocess.Popen[str]
) -> None:
    """Somebody takes the run up; the stale process wakes meanwhile."""
    successor = start_successor(away, tmp_path, run_id, HOLDS=holds)
    wait_for(successor.stdout, "holding")
    wake(stale)
    go_on(successor)
    end(successor)


def succeed_late(away: Outage, tmp_path: Path, run_id: bytes, _: str, stale: subprocess.Popen[str]) -> None:
    """Somebody takes the run up, and ends it; then the stale process wakes."""
    end(start_successor(away, tmp_path, run_id))
    wake(stale)


def start_successor(away: Outage, tmp_path: Path, run_id: bytes, **more: str) -> subprocess.Popen[str]:
    """Somebody who takes the run up, here."""
    own = {"NOTES": str(tmp_path / "notes"), "WHO": "successor", **more}
    return away.start_command("flow-run", "retry", str(UUID(bytes=run_id)), **own)


def check_that_nothing_is_stale(away: Outage, watch: invariants.Watch, run_id: bytes) -> None:
    """The run is as its second attempt has left it, and nothing else is there."""
    ledger = invariants.check(away.database, watch)
    roots = [run for run in ledger.flow_runs.values() if run.parent_flow_run_id is None]
    assert [(run.id, run.attempt, run.state.name) for run in roots] == [(run_id, 2, "Completed")]
    names = Counter((run.flow_name, run.state.name) for run in ledger.flow_runs.values())
    assert names == Counter([("waking", "Completed"), ("middle", "Completed"), ("last", "Completed")])
    assert unfinished(ledger) == []
    late = [run for run in ledger.task_runs.values() if run.name.startswith("late-")]
    assert len(late) == 4
    assert all(run.attempt == 2 or run.flow_run_id != run_id for run in late)


def start_and_stop(away: Outage, tmp_path: Path, holds: str) -> subprocess.Popen[str]:
    """A flow on another machine, which has stopped in its middle."""
    stale = away.start_program(
        "waking.py",
        prefix=another_machine(),
        NOTES=str(tmp_path / "notes"),
        WHO="stale",
        HOLDS=holds,
        PREFECT_RUNS_LEASE_SECONDS="1",
        PREFECT_RUNS_CANCEL_POLL_SECONDS="0.2",
    )
    wait_for(stale.stdout, "holding")
    os.killpg(stale.pid, signal.SIGSTOP)
    return stale


def await_crash(away: Outage) -> bytes:
    """Wait until the run is seen to have crashed; its id. Without a server, whoever looks sees it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if "PREFECT_API_URL" not in away.reach:
            _ledger.read_store(away.database)
        with closing(open_store(away.database)) as store:
            (root,) = [run for run in flow_runs.find(store) if run.parent_flow_run_id is None]
        if root.state.type == "CRASHED":
            return root.id
        time.sleep(0.1)  # looked at again and again: a lease runs out, and nobody says when
    raise AssertionError(f"the run is {root.state.name} still")


def go_on(process: subprocess.Popen[str]) -> None:
    """Tell a flow that holds to go on."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def wake(stale: subprocess.Popen[str]) -> None:
    """Let the stopped process live again, to its end."""
    os.killpg(stale.pid, signal.SIGCONT)
    go_on(stale)
    stale.wait(60)
