"""Serve two flows from one process: one runs on a schedule, the other when somebody asks for it.

    python examples/serve.py                                  # serves until Ctrl-C
    prefect deployment run 'greet/on-request' -p name=Ada     # from another terminal

With `--once` the script does both by itself: it waits for a run of the schedule, asks for a run with parameters,
shows what became of them, and ends. No server is needed: this process makes the runs of the schedule, too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from datetime import datetime, timezone

from prefect import flow, get_client, serve, task
from prefect.deployments import run_deployment
from prefect.schedules import Cron


@task
def measure() -> float:
    return os.getloadavg()[0]


@flow(log_prints=True)
def watch_load(limit: float = 100.0) -> str:
    """Runs every second: a cron expression may have a field for seconds, as the last one."""
    load = measure()
    print(f"{datetime.now(timezone.utc):%H:%M:%S}  load {load:.2f}, {'fine' if load < limit else 'too high'}")
    return "fine" if load < limit else "too high"


@flow(log_prints=True)
def greet(name: str, times: int = 1) -> int:
    for _ in range(times):
        print(f"Hello, {name}!")
    return times


def visit() -> None:
    """What a visitor does while the flows are served; the last thing is to stop them."""
    try:
        with get_client(sync_client=True) as client:
            while not client.read_deployments():
                time.sleep(0.1)
            asked = run_deployment(
                "greet/on-request", parameters={"name": "Ada", "times": 2}, poll_interval=0.05
            )
            scheduled = []
            while not scheduled:
                time.sleep(0.1)
                runs = client.read_flow_runs()
                scheduled = [r for r in runs if "auto-scheduled" in r.tags and r.state_name == "Completed"]
        print(f"asked for:  {asked.name} is {asked.state_name}")
        print(f"scheduled:  {scheduled[0].name} is {scheduled[0].state_name}")
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    if "--once" in sys.argv:
        threading.Thread(target=visit).start()
    serve(
        watch_load.to_deployment("every-second", schedule=Cron("* * * * * *"), tags=["demo"]),
        greet.to_deployment("on-request"),
        limit=10,
    )
