"""A server that is killed, restarted or away: no flow fails for it, no row is lost or doubled."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.outage import Outage, end, outage, wait_for
from prefect.testing import _ledger
from prefect.testing._ledger import Ledger


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Outage]:
    """A server of this test alone, which is up."""
    with outage(tmp_path) as made:
        made.start_server()
        yield made


def check_complete(ledger: Ledger, count: int) -> None:
    """Every run of `reporting.py COUNT` is on record, once, and has ended well."""
    assert _ledger.inconsistencies(ledger) == []
    root = ledger.root("reporting")
    assert root is not None
    subflows = count // 10
    assert Counter(run.state.type for run in ledger.flow_runs.values()) == {"COMPLETED": 1 + subflows}
    assert Counter(run.state_type for run in ledger.task_runs.values()) == {"COMPLETED": count + subflows}
    names = Counter((run.flow_run_id, run.memo) for run in ledger.task_runs.values())
    assert max(names.values()) == 1


def test_a_flow_goes_on_while_its_server_is_away(away: Outage):
    flow = away.start_flow(60, 0.01)
    wait_for(flow.stdout, "20")
    away.kill_server()
    wait_for(flow.stdout, "28")  # 29 is a subflow, which needs the server's answer
    with pytest.raises(subprocess.TimeoutExpired):
        flow.wait(5)
    away.start_server()
    said = end(flow)
    assert "does not answer" in said
    assert away.spilled() == []
    check_complete(away.ledger(), 60)


@pytest.mark.slow
def test_a_server_that_is_killed_every_second(away: Outage):
    flow = away.start_flow(200, 0.03)
    wait_for(flow.stdout, "5")
    kills = 0
    while flow.poll() is None and kills < 60:
        try:
            flow.wait(1)
        except subprocess.TimeoutExpired:
            away.kill_server()
            kills += 1
            away.start_server(wait=False)
        else:
            break
    end(flow)
    assert kills >= 3
    away.kill_server()
    away.start_server()
    away.command("flow-run", "ls")  # delivers what the flow's process could not
    assert away.spilled() == []
    check_complete(away.ledger(), 200)


def test_what_a_process_could_not_deliver_is_delivered_by_the_next(away: Outage):
    flow = away.start_flow(9, 0, 3, PREFECT_RUNS_SERVER_PATIENCE_SECONDS="1")
    wait_for(flow.stdout, "paused")
    away.kill_server()
    assert flow.stdin is not None
    said = end_after_line(flow)
    assert "the server learns of it later" in said
    assert "could not be delivered" in said
    assert len(away.spilled()) == 1
    away.start_server()
    assert "Completed" in away.command("flow-run", "ls")
    assert away.spilled() == []
    check_complete(away.ledger(), 9)


def test_a_process_that_dies_while_its_server_is_away_has_kept_what_is_durable(away: Outage):
    flow = away.start_flow(20, 0, 8)
    wait_for(flow.stdout, "2")
    away.kill_server()
    wait_for(flow.stdout, "paused")  # behind step 6, whose result is durable
    flow.kill()
    flow.communicate()
    assert len(away.spilled()) == 1
    away.start_server()
    away.command("flow-run", "ls")
    assert away.spilled() == []
    ledger = away.ledger()
    root = ledger.root("reporting")
    assert root is not None
    assert root.state.type == "CRASHED"
    states = {run.memo: run.state_type for run in ledger.task_runs.values()}
    kept = [state for memo, state in states.items() if memo and "durable" in memo]
    assert kept == ["COMPLETED"]


def end_after_line(flow: subprocess.Popen[str]) -> str:
    """Let a paused flow go on to its end; what it said on stderr."""
    assert flow.stdin is not None
    flow.stdin.write("\n")
    flow.stdin.flush()
    return end(flow)
