"""`kill -9` at any moment: the run is shown Crashed, is resumed in place, and nothing recorded is run again.

The number of random moments is PLUPERFECT_CRASH_MOMENTS (20), their seed PLUPERFECT_CRASH_SEED (1).
"""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path
from uuid import UUID

import pytest

from faults.programs.pipeline import TOTAL
from faults.wreck import FINAL, View, Wreck, assert_consistent, assert_nothing_final_changed
from prefect._base.faultpoint import POINTS

MOMENTS = int(os.environ.get("PLUPERFECT_CRASH_MOMENTS", "20"))
SEED = os.environ.get("PLUPERFECT_CRASH_SEED", "1")
KILLED = -signal.SIGKILL


@pytest.fixture
def wreck(tmp_path: Path) -> Wreck:
    """A pipeline of this test alone."""
    return Wreck(tmp_path)


@pytest.fixture(scope="module")
def undisturbed_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the pipeline takes from its beginning to the end of its process, if nobody kills it."""
    code, seconds = Wreck(tmp_path_factory.mktemp("undisturbed")).run_for(60)
    assert code == 0
    return seconds


def check_crashed(wreck: Wreck) -> View:
    """After a death: the run is Crashed and says why, unless it had ended or had not begun; all rows agree."""
    wreck.check_file()
    view = wreck.view()
    assert_consistent(view)
    if view.root is None:
        assert wreck.lines() == []
    elif view.root.state.type != "COMPLETED":
        assert (view.root.state.type, view.root.state.name) == ("CRASHED", "Crashed")
        assert "ended without reporting" in (view.root.state.message or "")
    return view


def check_resumed(wreck: Wreck, before: View, lines_before: list[str]) -> View:
    """After going on from `before`: what was recorded, or had been kept, was not run again, and nothing final changed."""
    lines = wreck.lines()
    ran_again = {line.removeprefix("ran ") for line in lines[len(lines_before) :] if line.startswith("ran ")}
    assert not ran_again & before.recorded
    assert not ran_again & {line.removeprefix("kept ") for line in lines_before if line.startswith("kept ")}
    view = check_crashed(wreck)
    assert_nothing_final_changed(before, view)
    return view


def resume(wreck: Wreck, view: View) -> None:
    """Resume the run to its end, and check that it has got there."""
    if view.root is None:
        return
    lines_before = wreck.lines()
    if view.root.state.type != "COMPLETED":
        assert wreck.retry(view.root.id) == 0
    after = check_resumed(wreck, view, lines_before)
    assert after.root is not None
    assert after.root.id == view.root.id
    assert after.root.state.type == "COMPLETED"
    unfinished = [
        (run.name, run.state_name) for run in after.task_runs.values() if run.state_type not in FINAL
    ]
    assert unfinished == []
    assert [line for line in wreck.lines() if line.startswith("total")][-1] == f"total {TOTAL}"


# --- deaths -----------------------------------------------------------------------------------------


def test_an_undisturbed_run_is_complete(wreck: Wreck):
    assert wreck.run() == 0
    view = check_crashed(wreck)
    assert view.root is not None
    assert view.root.state.type == "COMPLETED"
    assert wreck.lines()[-1] == f"total {TOTAL}"


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_run_killed_at_a_named_point_goes_on(wreck: Wreck, point: str, count: int):
    code = wreck.run(PLUPERFECT_FAULTPOINT=f"{point}:{count}")
    assert code == KILLED or (count > 1 and code == 0), f"the pipeline does not pass {point}"
    resume(wreck, check_crashed(wreck))


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_run_killed_at_a_random_moment_goes_on(wreck: Wreck, undisturbed_seconds: float, moment: int):
    chance = random.Random(f"{SEED}-{moment}")
    wreck.run_for(chance.uniform(0, undisturbed_seconds))
    view = check_crashed(wreck)
    if moment % 2 and view.root is not None and view.root.state.type != "COMPLETED":
        lines_before = wreck.lines()
        wreck.retry_for(view.root.id, chance.uniform(0, 4 * undisturbed_seconds))
        view = check_resumed(wreck, view, lines_before)
    resume(wreck, view)


@pytest.mark.parametrize(
    "name", ["extract-3", "keep-20", "transform-21", "inner-20", "extract-101", "inner-2"]
)
def test_a_run_whose_task_ends_the_process_goes_on(wreck: Wreck, name: str):
    assert wreck.run(EXIT_IN=name) == 7
    resume(wreck, check_crashed(wreck))


# --- what the command line says ---------------------------------------------------------------------


def test_the_command_line_shows_the_crash_and_its_cause(wreck: Wreck):
    wreck.run(PLUPERFECT_FAULTPOINT="task_run.finished:3")
    (run,) = json.loads(wreck.ask("flow-run", "ls", "-o", "json"))
    shown = json.loads(wreck.ask("flow-run", "inspect", run["id"], "-o", "json"))
    assert shown["state"]["type"] == "CRASHED"
    assert "ended without reporting" in shown["state"]["message"]
    assert wreck.view().root is not None
    assert UUID(run["id"]).bytes == wreck.view().root.id
