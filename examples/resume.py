"""A pipeline that dies half way, and goes on where it stopped.

    python examples/resume.py --crash          # kills itself with SIGKILL when it reaches step 11 of 20
    prefect flow-run ls                        # the run is Crashed: nobody had to tell
    prefect flow-run retry twenty-steps        # the same run, in place: steps 1 to 10 are not run again

Each step adds a line to `ledger.txt`, so that the file shows how often each one really ran: once.
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from prefect import flow, task
from prefect.runtime import flow_run

STEPS = 20


@task(persist_result=True, task_run_name="step {number}")
def step(number: int, carried: int, folder: Path) -> int:
    """One piece of work. Its result is on disk before the flow goes on, so it is never done twice."""
    with (folder / "ledger.txt").open("a") as ledger:
        ledger.write(f"step {number}\n")
    return carried + number


def die_once(folder: Path) -> None:
    """Die as in a power cut: no exception handler, no `finally` and no exit hook sees a SIGKILL."""
    marker = folder / "has-crashed"
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@flow(flow_run_name="twenty-steps", log_prints=True)
def twenty_steps(folder: Path, *, crash: bool = False) -> int:
    print(f"if this process dies: prefect flow-run retry {flow_run.id}")
    total = 0
    for number in range(1, STEPS + 1):
        if crash and number == STEPS // 2 + 1:
            die_once(folder)
        total = step(number, total, folder)
    print(f"all {STEPS} steps done, total {total}")
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--crash", action="store_true", help="die with SIGKILL half way, the first time")
    parser.add_argument(
        "--folder", type=Path, default=Path("resume-demo"), help="where the ledger is written"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    twenty_steps(options.folder.resolve(), crash=options.crash)
