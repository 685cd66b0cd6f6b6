"""How many task runs of a local run are on record once its process has ended, and how many bytes each takes.

Counts rows of the table `task_run`, which both stores have. The bytes are what the database file grew by.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from timing import report

RUN = """
import sys
from prefect import flow, task

@task
def noop(_):
    return None

@flow
def many(direct, mapped):
    for number in range(direct):
        noop(number)
    noop.map(range(mapped)).wait()

many(*map(int, sys.argv[1:]))
"""
RUNS = ((5, 500), (10, 2_000), (10, 10_000))  # direct calls, mapped tasks


def run(home: Path, direct: int, mapped: int) -> None:
    command = [sys.executable, "-c", RUN, str(direct), str(mapped)]
    environment = {**os.environ, "PREFECT_HOME": str(home)}
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def on_record(home: Path) -> int:
    [database] = home.glob("*.db")
    with closing(sqlite3.connect(database)) as db:
        return db.execute("SELECT count(*) FROM task_run").fetchone()[0]


def size(home: Path) -> int:
    """Bytes of the database with its write-ahead log."""
    return sum(path.stat().st_size for path in home.glob("*.db*"))


def main() -> None:
    figures: dict[str, float] = {}
    for direct, mapped in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            run(home, 1, 0)
            before_rows, before_bytes = on_record(home), size(home)
            run(home, direct, mapped)
            rows = on_record(home) - before_rows
            figures[f"recorded_{direct + mapped}"] = rows
            figures["bytes_per_task"] = (size(home) - before_bytes) / max(rows, 1)
    report(**figures)


if __name__ == "__main__":
    main()
