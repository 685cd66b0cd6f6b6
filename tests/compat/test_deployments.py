"""Deployments and all that belongs to them: our client on the peer's server, and its client on ours."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from .conftest import PROGRAMS, environment, of, running, until
from .test_the_peer import assert_completed, ended, triggered

OURS = sys.executable
SIDES = ["ours-there", "its-here"]


class Side(NamedTuple):
    """Whose client it is, and the API that it asks."""

    python: str
    url: str
    folder: Path

    def variables(self) -> dict[str, str]:
        """One home for all of its processes: they find each other's results."""
        return of(self.python, environment(self.folder / "home", self.url))


@pytest.fixture(scope="module", params=SIDES)
def side(request, peer, tmp_path_factory) -> Side:
    ours = request.param == "ours-there"
    url = request.getfixturevalue("peer_server" if ours else "our_server")
    return Side(OURS if ours else peer, url, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def served(side) -> Iterator[Path]:
    """`several.py` serves while the tests of the module run; what it says."""
    log = side.folder / "several.log"
    with running([side.python, str(PROGRAMS / "several.py")], side.variables(), log):
        last = f"{side.url}/deployments/name/delegates/several"
        until(lambda: httpx.get(last).status_code == 200, "the deployments")
        yield log


@pytest.fixture
def wants(side) -> Callable[..., Any]:
    """What came of a part of `wants.py`."""

    def wants(part: str, *arguments: str) -> Any:
        out = side.folder / f"{part}.json"
        command = [side.python, str(PROGRAMS / "wants.py"), part, str(out), *arguments]
        log = side.folder / f"{part}.log"
        with running(command, side.variables(), log) as process:
            until(lambda: process.poll() is not None, f"the end of {part}")
        assert process.returncode == 0, log.read_text()[-4000:]
        return json.loads(out.read_text())

    return wants


@pytest.mark.quick
def test_runs_are_asked_for_and_waited_for(served, wants):
    found = wants("deployments")
    assert found == {
        "state": "Completed",
        "tags": ["mine"],
        "said": ["greets with 3"],
        "one": True,
        "name": "once",
        "parent": ["Completed", "its child is Completed"],
    }, served.read_text()[-3000:]


def test_pauses_are_resumed_and_answered(served, wants):
    found = wants("pauses")
    assert found["keys"] == ["description", "response", "schema"]
    assert found["said"] == ["heard of Ada, 7"]
    assert [name for name in found["states"] if name in {"Paused", "Completed"}] == [
        "Paused",
        "Paused",
        "Completed",
    ]


def test_a_suspended_run_goes_on_in_another_process(served, wants):
    # the run goes on with the same try
    assert wants("suspends") == {
        "said": ["after 17 heard of Bo, 4", "begins, run 1", "begins, run 1"],
        "count": 1,
    }


def test_runs_send_each_other_inputs(served, wants):
    assert wants("inputs") == ["Completed", "was told enough", "was told hello"]


def test_a_limit_lets_one_in_at_a_time(served, wants, tmp_path):
    mark = tmp_path / "mark"
    assert wants("limits", str(mark)) == {"ended": ["Completed"] * 3, "slots": 0}
    assert mark.read_text() == "in\nout\n" * 3


def test_a_cancelled_run_ends_and_its_hook_is_called(served, wants, tmp_path):
    mark = tmp_path / "mark"
    assert wants("cancels", str(mark))["ended"] == "Cancelled"
    until(lambda: "Cancel" in mark.read_text(), "the hook")


def test_background_tasks_are_executed_by_a_worker(side, wants):
    log = side.folder / "chores.log"
    with running([side.python, str(PROGRAMS / "chores.py")], side.variables(), log):
        assert wants("chores") == [[7, "Completed"], [6, "Completed"], "Failed"], log.read_text()[-3000:]


def test_a_flow_serves_itself(side):
    log = side.folder / "served.log"
    name = f"of-{side.folder.name}"
    with running([side.python, str(PROGRAMS / "served.py"), name], side.variables(), log):
        run_id = triggered(side.url, f"served/{name}")
        assert_completed(side.url, run_id, "said by a served run: 21", log)


def test_a_process_worker_takes_runs_and_cancels_them(side, tmp_path):
    pool, mark = f"pool-{side.folder.name}", tmp_path / "mark"
    program(side, "-m", "prefect", "work-pool", "create", pool, "--type", "process")
    program(side, str(PROGRAMS / "deployed.py"), pool, pool)
    log = side.folder / "worker.log"
    command = [side.python, "-m", "prefect", "worker", "start", "--pool", pool]
    with running(command, side.variables(), log):
        run_id = triggered(side.url, f"deployed/{pool}")
        assert_completed(side.url, run_id, "said by a worker's run: 21", log)
        cancelled = triggered(side.url, f"goes-on/{pool}", mark=str(mark))
        until(mark.exists, f"the run; see {log.read_text()[-3000:]}")
        path = f"{side.url}/flow_runs/{cancelled}"
        httpx.post(f"{path}/set_state", json={"state": {"type": "CANCELLING"}}).raise_for_status()
        until(lambda: ended(side.url, cancelled), f"its end; see {log.read_text()[-3000:]}")
        assert httpx.get(path).json()["state_name"] == "Cancelled", log.read_text()[-3000:]


def program(side: Side, *arguments: str) -> None:
    """Run a program of that side to its end."""
    log = side.folder / "program.log"
    with running([side.python, *arguments], side.variables(), log) as process:
        until(lambda: process.poll() is not None, f"the end of {arguments}")
    assert process.returncode == 0, log.read_text()[-3000:]
