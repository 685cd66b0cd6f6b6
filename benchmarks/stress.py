"""Three loads that must neither fail, nor lose a row, nor grow without bound. Prints their figures.

python benchmarks/stress.py                      # all three, in full (some minutes)
python benchmarks/stress.py processes map calls  # by name
python benchmarks/stress.py --scale 0.01         # a hundredth of each
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

PROCESSES, RUNS, TASKS = 16, 200, 5
MAPPED = 100_000
CALLS = 1_000_000


@task
def noop(_: int) -> None:
    """Nothing."""


@flow
def five_tasks() -> None:
    for number in range(TASKS):
        noop(number)


@flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
def map_many(count: int) -> None:
    before, started = resident_mb(), time.perf_counter()
    noop.map(range(count)).wait()
    seconds = time.perf_counter() - started
    show(
        "map",
        tasks=count,
        seconds=seconds,
        us_per_task=seconds / count * 1e6,
        mb_before=before,
        mb_peak=peak_mb(),
    )


@flow
def call_many(count: int) -> None:
    """Direct calls, with a look at the memory after each tenth."""
    started, held = time.perf_counter(), []
    for _ in range(10):
        for number in range(count // 10):
            noop(number)
        held.append(resident_mb())
    seconds = time.perf_counter() - started
    growth = held[-1] - held[0]
    show(
        "calls",
        calls=count,
        seconds=seconds,
        us_per_call=seconds / count * 1e6,
        mb=held[-1],
        mb_growth=growth,
    )


def load_processes(scale: float) -> tuple[int, int]:
    """Many processes at once on one file; return how many flow runs and task runs must be on record."""
    runs = max(1, round(RUNS * scale))
    command = [sys.executable, __file__, "--child", str(runs)]
    started = time.perf_counter()
    children = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(PROCESSES)]
    failed = sum(child.wait() != 0 for child in children)
    show(
        "processes", processes=PROCESSES, runs_each=runs, seconds=time.perf_counter() - started, failed=failed
    )
    return PROCESSES * runs, PROCESSES * runs * TASKS


def load_map(scale: float) -> tuple[int, int]:
    map_many(round(MAPPED * scale))
    return 1, round(MAPPED * scale)


def load_calls(scale: float) -> tuple[int, int]:
    count = round(CALLS * scale) // 10 * 10
    call_many(count)
    return 1, count


LOADS: dict[str, Callable[[float], tuple[int, int]]] = {
    "processes": load_processes,
    "map": load_map,
    "calls": load_calls,
}


def completed(home: Path) -> tuple[int, int]:
    """How many completed flow runs and task runs the store holds."""
    [database] = home.glob("*.db")
    with closing(sqlite3.connect(database)) as db:
        counts = [
            db.execute(f"SELECT count(*) FROM {table} WHERE state_type = 'COMPLETED'").fetchone()[0]
            for table in ("flow_run", "task_run")
        ]
    return counts[0], counts[1]


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """The most that this process ever held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def show(load: str, **figures: float) -> None:
    print(
        json.dumps({"load": load, **{name: round(value, 2) for name, value in figures.items()}}), flush=True
    )


def run_apart(load: str, scale: float) -> bool:
    """Run one load in a process and a home of its own; return whether every row is there."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--inside", load, "--scale", str(scale)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        ended = subprocess.run(
            command, env={**kept, "PREFECT_HOME": home}, stdout=subprocess.PIPE, text=True, check=False
        )
        *shown, expected = ended.stdout.splitlines() or ["[]"]
        print("\n".join(shown), flush=True)
        found = list(completed(Path(home)))
    good = ended.returncode == 0 and found == json.loads(expected)
    print(
        f"{load}: {'all' if good else 'NOT all'} on record: {found} of {expected} flow runs and task runs",
        flush=True,
    )
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--loads", type=lambda names: names.split(","), default=list(LOADS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        for _ in range(options.child):
            five_tasks()
    elif options.inside:
        print(json.dumps(LOADS[options.inside](options.scale)))
    else:
        good = [run_apart(load, options.scale) for load in options.loads]
        sys.exit(0 if all(good) else "a load failed")


if __name__ == "__main__":
    main()
