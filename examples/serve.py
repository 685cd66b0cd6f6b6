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
from pathlib import Path

from prefect import flow, get_client, serve, task
from prefect.client.orchestration import SyncPrefectClient
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron

SERVED = "greet/on-request"


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
            while not is_served(client):
                time.sleep(0.1)
            asked = run_deployment(SERVED, parameters={"name": "Ada", "times": 2}, poll_interval=0.05)
            scheduled = []
            while not scheduled:
                time.sleep(0.1)
                runs = client.read_flow_runs()
                scheduled = [r for r in runs if "auto-scheduled" in r.tags and r.state_name == "Completed"]
        prefect = os.path.relpath(Path(sys.executable).with_name("prefect"))
        print(f"asked for:  {asked.name} is {asked.state_name}")
        print(f"scheduled:  {scheduled[0].name} is {scheduled[0].state_name}")
        print(f"Next:       {prefect} flow-run logs {asked.id}")
        script = f"{os.path.relpath(sys.executable)} {os.path.relpath(__file__)}"
        print(f"            {script}  # serves until Ctrl-C")
    finally:
        os.kill(os.getpid(), signal.SIGTERM)


def is_served(client: SyncPrefectClient) -> bool:
    try:
        return client.read_deployment_by_name(SERVED) is not None
    except ObjectNotFound:
        return False


if __name__ == "__main__":
    if "--once" in sys.argv:
        threading.Thread(target=visit).start()
    serve(
        watch_load.to_deployment("every-second", schedule=Cron("* * * * * *"), tags=["demo"]),
        greet.to_deployment("on-request"),
        limit=10,
    )
