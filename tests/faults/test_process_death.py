"""`kill -9` at any moment: the run is shown Crashed, is resumed in place, and nothing recorded is run again.

The number of random moments is PLUPERFECT_CRASH_MOMENTS (10), their seed PLUPERFECT_CRASH_SEED (1).
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from uuid import UUID

import pytest

from faults.programs.pipeline import TOTAL
from faults.wreck import Wreck, root_of
from prefect._base.faultpoint import POINTS
from prefect.testing import _ledger
from prefect.testing._ledger import Ledger
from prefect.testing._victim import KILLED

MOMENTS = int(os.environ.get("PLUPERFECT_CRASH_MOMENTS", "10"))
SEED = os.environ.get("PLUPERFECT_CRASH_SEED", "1")


@pytest.fixture
def wreck(tmp_path: Path) -> Wreck:
    """A pipeline of this test alone."""
    return Wreck(tmp_path)


@pytest.fixture(scope="module")
def undisturbed_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the pipeline takes from its beginning to the end of its process, if nobody kills it."""
    end = Wreck(tmp_path_factory.mktemp("undisturbed")).run_for(60)
    assert end.code == 0, end.said
    return end.seconds


def check_crashed(wreck: Wreck) -> Ledger:
    """After a death: the run is Crashed and says why, unless it had ended or had not begun; all rows agree."""
    ledger = wreck.ledger()
    root = root_of(ledger)
    if root is None:
        assert wreck.lines() == []
    elif root.state.type != "COMPLETED":
        assert (root.state.type, root.state.name) == ("CRASHED", "Crashed")
        assert "ended without reporting" in (root.state.message or "")
    return ledger


def check_resumed(wreck: Wreck, before: Ledger, lines_before: list[str]) -> Ledger:
    """After going on from `before`: what was recorded, or had been kept, was not run again, and nothing final changed."""
    lines = wreck.lines()
    ran_again = {line.removeprefix("ran ") for line in lines[len(lines_before) :] if line.startswith("ran ")}
    assert not ran_again & {run.name for run in before.recorded.values()}
    assert not ran_again & {line.removeprefix("kept ") for line in lines_before if line.startswith("kept ")}
    after = check_crashed(wreck)
    assert _ledger.repeats(before, after) == []
    assert _ledger.changes_of_what_had_ended(before, after) == []
    return after


def resume(wreck: Wreck, before: Ledger) -> None:
    """Resume the run to its end, and check that it has got there."""
    root = root_of(before)
    if root is None:
        return
    lines_before = wreck.lines()
    if root.state.type != "COMPLETED":
        assert wreck.retry(root.id) == 0
    after = check_resumed(wreck, before, lines_before)
    assert [(run.id, run.state.type) for run in [root_of(after)] if run] == [(root.id, "COMPLETED")]
    assert _ledger.unfinished(after) == []
    assert [line for line in wreck.lines() if line.startswith("total")][-1] == f"total {TOTAL}"


# --- deaths -----------------------------------------------------------------------------------------


def test_an_undisturbed_run_is_complete(wreck: Wreck):
    assert wreck.run() == 0
    root = root_of(check_crashed(wreck))
    assert root is not None
    assert root.state.type == "COMPLETED"
    assert wreck.lines()[-1] == f"total {TOTAL}"


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("count", [1, *(pytest.param(later, marks=pytest.mark.slow) for later in (2, 7))])
def test_a_run_killed_at_a_named_point_goes_on(wreck: Wreck, point: str, count: int):
    code = wreck.run(PLUPERFECT_FAULTPOINT=f"{point}:{count}")
    assert code == KILLED or (count > 1 and code == 0), f"the pipeline does not pass {point}"
    resume(wreck, check_crashed(wreck))


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_a_run_killed_at_a_random_moment_goes_on(wreck: Wreck, undisturbed_seconds: float, moment: int):
    chance = random.Random(f"{SEED}-{moment}")
    wreck.run_for(chance.uniform(0, undisturbed_seconds))
    ledger = check_crashed(wreck)
    root = root_of(ledger)
    if moment % 2 and root is not None and root.state.type != "COMPLETED":
        lines_before = wreck.lines()
        wreck.retry_for(root.id, chance.uniform(0, 4 * undisturbed_seconds))
        ledger = check_resumed(wreck, ledger, lines_before)
    resume(wreck, ledger)


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
    root = root_of(wreck.ledger())
    assert root is not None
    assert UUID(run["id"]).bytes == root.id
