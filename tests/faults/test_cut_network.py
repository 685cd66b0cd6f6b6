"""The network between a flow and its server is cut: nobody is told, the flow goes on, and all of it is on record after.

How long the slow test cuts it is PLUPERFECT_CUT_SECONDS (16). A process that is not heard of for half of that is taken
for dead meanwhile, and goes on in a new attempt.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faults.cable import cable
from faults.elsewhere import another_machine
from faults.invariants import Watch
from faults.outage import outage
from faults.storm import Size, check_all_on_record, figures, storm

pytestmark = pytest.mark.slow  # half a minute or more each

SECONDS = float(os.environ.get("PLUPERFECT_CUT_SECONDS", "16"))
CUTS = [
    pytest.param(2.0, 30.0, Size(1, 3, 30, 0.1), id="short"),
    pytest.param(SECONDS, SECONDS / 2, Size(2, 5, 60, SECONDS / 45), id="long", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize(("seconds", "lease", "size"), CUTS)
def test_a_network_that_is_cut(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, seconds: float, lease: float, size: Size
):
    database = request.getfixturevalue("postgres").fresh() if store == "postgres" else None
    with cable() as wire, outage(tmp_path, database, PREFECT_RUNS_LEASE_SECONDS=str(lease)) as away:
        away.move(wire.address, wire.there, wire.here)
        away.start_server()
        watch = Watch(away.database)
        prefix = (*wire.here, *another_machine())
        with storm(size, tmp_path / "words", away.environment(away.home, **away.reach), prefix) as flows:
            assert not flows.is_over(1)
            wire.cut()
            flows.strike(watch.look, every=1, most=round(seconds))
            wire.mend()
            took = flows.end()
        away.command("flow-run", "ls")
        assert away.spilled() == []
        check_all_on_record(away.database, size, watch)
        attempts = [run.attempt for run in away.ledger().flow_runs.values()]
    assert max(attempts) == (1 if lease > seconds else 2)
    figures(
        "network cut",
        **size._asdict(),
        cut=f"{seconds:.0f} s",
        took=f"{took:.0f} s",
        taken_for_dead=sum(attempt > 1 for attempt in attempts),
    )
