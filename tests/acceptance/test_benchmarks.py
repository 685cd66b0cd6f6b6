"""The benchmarks run, on this package alone and briefly: what they measure is nobody's business here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def run(tmp_path, environment):
    def run(script: str, *arguments: str) -> str:
        command = [sys.executable, str(BENCHMARKS / script), *arguments]
        ended = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=240
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    return run


def figures_of(script: str) -> set[str]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from rows import ROWS  # a script's neighbour, not a package
    finally:
        sys.path.remove(str(BENCHMARKS))
    return {row.figure for row in ROWS if row.script == script}


@pytest.mark.parametrize(
    ("script", "figures"),
    [
        ("calls", {"direct_us", "awaited_us", "miss_us", "hit_us", "durable_us"}),
        ("flows", {"flow_ms", "subflow_ms"}),
        ("mapped", {"map_us"}),
    ],
)
def test_a_measure_reports_its_figures(run, script, figures):
    reported = json.loads(run(f"measures/{script}.py", "0.05"))
    assert reported.keys() == figures
    assert all(value > 0 for value in reported.values())


@pytest.mark.slow
def test_waiting_for_slots_is_measured(run):
    reported = json.loads(run("measures/limits.py", "0.05"))
    assert reported["wake_percent"] == reported["wake_over_http_percent"] == 100


def test_one_part_of_a_measure_runs_by_its_name(run):
    reported = json.loads(run("measures/deployments.py", "0.05", "triggering_embedded"))
    assert reported.keys() == {"trigger_p50_embedded_ms", "trigger_p95_embedded_ms"}
    assert 0 < reported["trigger_p50_embedded_ms"] <= reported["trigger_p95_embedded_ms"]


@pytest.mark.slow
def test_served_flows_are_measured(run):
    reported = json.loads(run("measures/deployments.py", "0.05"))
    assert reported.keys() == figures_of("deployments")


@pytest.mark.slow
def test_the_server_is_measured(run):
    reported = json.loads(run("measures/server.py", "0.05"))
    assert reported.keys() == figures_of("server")
    assert reported["refused_percent"] == 0
    assert {value for name, value in reported.items() if "_percent_" in name} == {100}


def test_the_profile_of_a_call(run):
    assert "the whole call" in run("profile_call.py", "--calls", "500")


@pytest.mark.parametrize(
    ("load", "flow_runs", "task_runs"), [("processes", 16, 80), ("map", 1, 500), ("calls", 1, 5_000)]
)
def test_a_load_leaves_every_row_on_record(run, load, flow_runs, task_runs):
    """A two-hundredth of what `benchmarks/stress.py` does."""
    said = run("stress.py", "--loads", load, "--scale", "0.005")
    assert f"{load}: all on record: [{flow_runs}, {task_runs}]" in said


def test_the_pages_are_made_from_results(tmp_path):
    code = """
import sys
from pathlib import Path
import page, rows
results = {side: {row.figure: factor * row.budget for row in rows.ROWS} for side, factor in (("ours", 0.5), ("peer", 40))}
page.write_page({**results, "others": {}}, "profile", Path(sys.argv[1]))
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=BENCHMARKS, check=True, timeout=60)
    text = (tmp_path / "benchmarks.md").read_text()
    assert (
        "| direct task call inside a flow, overhead | 40 us | 20 us | 1,600 us | yes | 80x | 102x | **no** |"
        in text
    )
    assert "| task runs on record, of 505 | 505 | 252 | 20,200 | **no** | 0.0x | - | - |" in text
    assert (tmp_path / "benchmarks.svg").read_text().startswith("<svg")
