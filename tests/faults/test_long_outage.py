"""A server that is away for long: a flow goes on in the memory it had, what it records waits on disk, nothing is lost.

How long is PLUPERFECT_OUTAGE_SECONDS (20); ten minutes are for who has them.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from faults import invariants
from faults.outage import Outage, end, outage, wait_for
from faults.storm import figures
from prefect._storage.opening import open_store

SECONDS = float(os.environ.get("PLUPERFECT_OUTAGE_SECONDS", "20"))
MEGABYTE = 1_000_000


class Length(NamedTuple):
    """Of an outage: steps of the flow, seconds between them, bytes that each logs, rows that may wait in memory."""

    steps: int
    seconds: float
    bytes: int
    max_rows: int


LENGTHS = [
    pytest.param(Length(4_000, 0, 1_000, 500), id="4000-steps"),
    pytest.param(Length(round(SECONDS * 50), 0.02, 1_000, 10_000), id="seconds", marks=pytest.mark.slow),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def away(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Outage]:
    """A server of this test alone, which is up."""
    on_postgres = request.param == "postgres"
    database = request.getfixturevalue("postgres").fresh() if on_postgres else None
    with outage(tmp_path, database) as made:
        made.start_server()
        yield made


@pytest.mark.parametrize("length", LENGTHS)
def test_a_long_outage_costs_disk_and_no_memory(away: Outage, length: Length, tmp_path: Path):
    with (tmp_path / "words").open("w") as words:
        arguments = (length.steps, length.seconds, length.bytes)
        bound = {"PREFECT_JOURNAL_MAX_ROWS": str(length.max_rows)}
        flow = away.start_program("outlasting.py", *arguments, errors=words, **bound)
    try:
        wait_for(flow.stdout, "500")
        began, before = time.monotonic(), memory_of(flow)
        away.kill_server()
        wait_for(flow.stdout, str(length.steps))
        lasted, after, spilled = time.monotonic() - began, memory_of(flow), size_of(away.spilled())
        away.start_server()
        end(flow)
    finally:
        flow.kill()
    steps = length.steps - 500
    figures(
        "server away",
        seconds=round(lasted),
        rows=2 * steps,
        memory_before=f"{before / MEGABYTE:.1f} MB",
        memory_after=f"{after / MEGABYTE:.1f} MB",
        spilled=f"{spilled / MEGABYTE:.1f} MB",
    )
    assert away.spilled() == []
    check_every_step(away, length.steps)
    assert spilled > (steps - 2 * length.max_rows) * length.bytes
    assert after - before < 5 * MEGABYTE + length.max_rows * (length.bytes + 1_000)


def check_every_step(away: Outage, steps: int) -> None:
    ledger = invariants.check(away.database)
    assert [run.state.type for run in ledger.flow_runs.values()] == ["COMPLETED"]
    assert Counter(run.state_type for run in ledger.task_runs.values()) == {"COMPLETED": steps}
    with closing(open_store(away.database)) as store:
        lines = store.rows("SELECT message FROM log WHERE task_run_id IS NOT NULL")
    assert sorted(int(message.split()[1]) for (message,) in lines) == list(range(1, steps + 1))


def memory_of(process: subprocess.Popen[str]) -> int:
    """The resident size of another process, in bytes."""
    pages = Path(f"/proc/{process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def size_of(paths: list[Path]) -> int:
    """Bytes in files."""
    return sum(path.stat().st_size for path in paths)
