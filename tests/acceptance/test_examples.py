"""Each example runs as its reader would run it, in a process and a home of its own, and does what it says."""

from __future__ import annotations

import csv
import json
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


class Desk:
    """An empty folder to work in, and a PREFECT_HOME that nobody else uses."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.environment = environment

    def python(self, *arguments: object, expect: int = 0) -> str:
        """Run Python; return all that it printed, stdout first, then stderr."""
        command = [sys.executable, *map(str, arguments)]
        ended = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240
        )
        assert ended.returncode == expect, (
            f"{command} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
        )
        return ended.stdout + ended.stderr

    def example(self, name: str, *arguments: object, expect: int = 0) -> str:
        return self.python(EXAMPLES / f"{name}.py", *arguments, expect=expect)

    def prefect(self, *arguments: object) -> str:
        return self.python("-m", "prefect", *arguments)


@pytest.fixture
def desk(tmp_path, environment):
    return Desk(tmp_path, environment)


def test_every_example_has_a_test_here():
    """An example that nobody runs is an example that is broken."""
    scripts = {path.stem for path in EXAMPLES.glob("*.py") if "__main__" in path.read_text()}
    tested = set(re.findall(r'desk\.example\("(\w+)"', Path(__file__).read_text()))
    assert scripts == tested


def test_hello(desk):
    assert "Hello, world!" in desk.example("hello")
    assert "Hello, Ada!" in desk.example("hello", "Ada")


@pytest.mark.behaviour(41, 43)
def test_retries(desk):
    said = desk.example("retries")
    assert "{'EUR': 1.09, 'GBP': 1.27}" in said
    assert "ALARM: rate of XXX gave up after 1 attempt(s)" in said
    assert said.count("503: no rate for GBP just now") == 2
    assert "collect-rates ended as Completed" in said


@pytest.mark.behaviour(55, 57, 60)
def test_caching(desk):
    def outcomes(said: str) -> dict[str, list[str]]:
        return {line[:20].strip(): line[20:].split() for line in said.splitlines()}

    first = outcomes(desk.example("caching"))
    assert first["first call"] == ["Completed", "5"]
    assert first["same input"] == ["Cached", "5"]
    assert first["other input"] == ["Completed", "10"]
    assert first["asked to be fresh"] == ["Completed", "5"]
    assert first["within its lifetime"] == ["same"]
    assert first["after its lifetime"] == ["different"]
    assert first["reserve once more"] == ["Completed", "reserved", "12A"]

    second = outcomes(desk.example("caching"))
    assert second["first call"] == ["Cached", "5"]
    assert second["other input"] == ["Cached", "10"]
    assert second["reserve once more"] == ["Cached", "reserved", "12A"]


@pytest.mark.behaviour(60)
def test_etl_sqlite(desk):
    said = desk.example("etl_sqlite", "shop.db")
    assert "row left out" in said
    assert "rolled back: 2 orders removed" in said
    assert "second delivery: Failed" in said
    with sqlite3.connect(desk.folder / "shop.db") as db:
        assert db.execute("SELECT * FROM orders").fetchall() == [(1001, "Ada", 1990), (1003, "Edsger", 4360)]
    db.close()


def test_async_fanout(desk):
    said = desk.example("async_fanout")
    for flow in ("read-by-gather", "read-by-submit", "read-as-completed"):
        assert f"{flow}: mean 20.95" in said


def test_process_pool(desk):
    said = desk.example("process_pool", 1_000_000)
    assert "78,498 primes below 1,000,000" in said
    assert "none of them this one: True" in said


@pytest.mark.behaviour(11, 40, 64)
def test_subflows(desk):
    said = desk.example("subflows")
    assert "region-north: 3,303.00 from 3 shops, tagged ['year-2013']" in said
    assert "region-south: 2,001.00 from 2 shops, tagged ['year-2013']" in said
    assert "region nowhere refused" in said
    assert "2013: 5,304.00 in 2 of 3 regions" in said


def test_resume(desk):
    ledger = desk.folder / "resume-demo" / "ledger.txt"
    said = desk.example("resume", "--crash", expect=-signal.SIGKILL)
    run_id = re.search(r"prefect flow-run retry (\S+)", said)[1]
    assert ledger.read_text().splitlines() == [f"step {number}" for number in range(1, 11)]

    [run] = json.loads(desk.prefect("flow-run", "ls", "-o", "json"))
    assert (run["id"], run["state_type"]) == (run_id, "CRASHED")

    assert "all 20 steps done, total 210" in desk.prefect("flow-run", "retry", run_id)
    assert ledger.read_text().splitlines() == [f"step {number}" for number in range(1, 21)]
    [run] = json.loads(desk.prefect("flow-run", "ls", "-o", "json"))
    assert (run["id"], run["state_type"]) == (run_id, "COMPLETED")


def test_serve(desk):
    """`make demo-serve`: one flow on a schedule, one asked for with parameters, and then SIGTERM."""
    said = desk.example("serve", "--once")
    assert re.search(r"asked for:  \S+ is Completed", said)
    assert re.search(r"scheduled:  \S+ is Completed", said)
    assert said.count("Hello, Ada!") == 2
    logs = re.search(r"Next: +\S+ flow-run logs (\S+)", said)
    assert logs is not None
    assert "Hello, Ada!" in desk.prefect("flow-run", "logs", logs[1])
    runs = json.loads(desk.prefect("flow-run", "ls", "--flow-name", "watch-load", "-o", "json"))
    assert all(run["state_type"] != "RUNNING" for run in runs)


def test_serve_on_a_slow_machine(desk):
    """The visitor of the demonstration waits for what is to be served, however long that takes to be there."""
    late = """
import importlib.abc
import sys
import time


class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "prefect.runner.runner":
            time.sleep(2)  # the machine that is slow


sys.meta_path.insert(0, Slow())
"""
    (desk.folder / "sitecustomize.py").write_text(late)
    path = desk.environment.get("PYTHONPATH", "")
    desk.environment |= {"PYTHONPATH": f"{desk.folder}:{path}"}
    assert "asked for:" in desk.example("serve", "--once")


def test_flights(desk):
    said = desk.example("flights")
    assert "192 carrier-months: 192 computed, 0 from the cache" in said
    assert said.count("answered 503") >= 16

    folder = desk.folder / "report" / "flights"
    report = (folder / "report.md").read_text()
    assert "336,776 flights were read and 335,601 are in this report" in report
    assert "8,255 flights were cancelled" in report
    assert "| no tail number | 2,512 | kept |" in report
    assert (folder / "chart.png").read_bytes().startswith(b"\x89PNG")
    with (folder / "carriers.csv").open() as file:
        carriers = {row["carrier"]: row for row in csv.DictReader(file)}
    assert len(carriers) == 16
    assert carriers["UA"]["airline"] == "United Air Lines Inc."
    assert sum(int(row["flights"]) for row in carriers.values()) == 335_601
    rejected = [path.read_text().splitlines()[1:] for path in (folder / "months").glob("rejected-*.csv")]
    assert sum(map(len, rejected)) == 336_776 - 335_601

    [run_id] = re.findall(r"flow-run inspect (\S+)", said)
    assert run_id in said.partition("Run: ")[2].splitlines()[0]
    assert "COMPLETED" in desk.prefect("flow-run", "inspect", run_id).upper()

    again = desk.example("flights")
    assert "192 carrier-months: 0 computed, 192 from the cache" in again
    assert (folder / "report.md").read_text() == report


def test_limits(desk):
    for _ in range(2):
        said = desk.example("limits")
        assert "8 queries, at most 2 at once" in said
        found = re.search(r"10 calls in (\d+\.\d) s", said)
        assert found is not None
        assert float(found[1]) >= 0.3
