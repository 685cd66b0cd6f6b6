"""Ask for runs of the flow that marks.py serves; print when each was asked for and when it came, as JSON.

python benchmarks/measures/triggers.py FOLDER COUNT together|one-by-one
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

NAME = "mark/bench"
PATIENCE = 240.0  # seconds for one run
WARM = 2  # runs before the first that counts
REST = 0.5  # seconds after a run, so that it is over when the next is asked for


def wait_until_served() -> None:
    until = time.perf_counter() + PATIENCE
    with get_client(sync_client=True) as client:
        while time.perf_counter() < until:
            try:
                client.read_deployment_by_name(NAME)
            except ObjectNotFound:
                time.sleep(0.2)
            else:
                return
    raise SystemExit(f"expected {NAME} to be served within {PATIENCE:.0f} s")


def ask(folder: Path, number: int) -> tuple[float, str, Path]:
    """When it was asked for, the run, and the file that it writes."""
    path = folder / f"mark-{number}"
    asked = time.perf_counter()
    run = run_deployment(NAME, parameters={"path": str(path)}, timeout=0, as_subflow=False)
    return asked, str(run.id), path


def came(path: Path, until: float) -> float:
    while time.perf_counter() < until:
        if path.exists():
            return float(path.read_text())
        time.sleep(0.005)
    raise SystemExit(f"expected a run within {PATIENCE:.0f} s")


def one_by_one(folder: Path, count: int) -> list[tuple[float, float]]:
    times: list[tuple[float, float]] = []
    for number in range(WARM + count):
        asked, _, path = ask(folder, number)
        times.append((asked, came(path, asked + PATIENCE)))
        time.sleep(REST)
    return times[WARM:]


def together(folder: Path, count: int) -> list[tuple[float, float]]:
    """Asked for one after the other, without waiting; the last of them has come once all are Completed on record."""
    came(ask(folder, -1)[2], time.perf_counter() + PATIENCE)
    time.sleep(REST)
    runs = [ask(folder, number) for number in range(count)]
    until = time.perf_counter() + PATIENCE * 4
    times = [(asked, came(path, until)) for asked, _, path in runs]
    wanted = {"id": {"any_": [run for _, run, _ in runs]}, "state": {"type": {"any_": ["COMPLETED"]}}}
    with get_client(sync_client=True) as client:
        while len(client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(wanted))) < count:
            if time.perf_counter() > until:
                raise SystemExit(f"expected {count} runs to be Completed")
            time.sleep(0.02)
    return [*times[:-1], (times[-1][0], time.perf_counter())]


if __name__ == "__main__":
    wait_until_served()
    how = together if sys.argv[3] == "together" else one_by_one
    print(json.dumps(how(Path(sys.argv[1]), int(sys.argv[2]))), flush=True)
