"""A server of its own for each part: starting, idling, and what clients ask of it over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from timing import SECONDS, report
from trees import processor_seconds, resident

PATIENCE = 120.0  # seconds until a server that does not answer is given up
IDLE = 30.0 if SECONDS >= 1 else SECONDS  # seconds that an idle server is watched
CREATED = 2_000 if SECONDS >= 1 else 40  # flow runs that are asked for, at most
LISTED = 20_000 if SECONDS >= 1 else 40  # flow runs that a list is taken from, at most
TASKS = 1_000 if SECONDS >= 1 else 20  # task runs that each process reports
REPORT = """
import sys, time
from prefect import flow, task

@task
def noop(_):
    return None

@flow
def reports(count):
    started = time.perf_counter()
    for number in range(count):
        noop(number)
    return (time.perf_counter() - started) / count * 1e6

print(reports(int(sys.argv[1])))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(home: str) -> Iterator[tuple[str, int, float]]:
    """A server on a home of its own: its URL, its process, and the seconds until it was healthy."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)],
        env={**os.environ, "PREFECT_HOME": home, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until_healthy(url, process, started)
        yield url, process.pid, time.perf_counter() - started
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], started: float) -> None:
    while time.perf_counter() - started < PATIENCE and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.02)
    raise SystemExit(f"expected a server that is healthy within {PATIENCE:.0f} s")


def starting(times: int = 3) -> dict[str, float]:
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as home:
            with serving(home) as (_, _, seconds):
                cold.append(seconds)
            with serving(home) as (_, _, seconds):
                warm.append(seconds)
    return {"healthy_cold_s": statistics.median(cold), "healthy_warm_s": statistics.median(warm)}


def idling() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home, serving(home) as (_, pid, _):
        time.sleep(min(5.0, IDLE))  # its services have had their first round
        before, started = processor_seconds(pid), time.perf_counter()
        time.sleep(IDLE)
        used = (processor_seconds(pid) - before) / (time.perf_counter() - started)
        return {"idle_mb": resident(pid) / 1e6, "idle_cpu_percent": used * 100}


def creating() -> dict[str, float]:
    """Flow runs made by eight clients at once, the share that was refused, and lists of what is there."""
    with tempfile.TemporaryDirectory() as home, serving(home) as (url, _, _):
        flow = httpx.post(f"{url}/flows/", json={"name": "created"}).json()["id"]
        seconds = max(SECONDS * 5, 0.5)
        made, refused, took = create(url, flow, CREATED, seconds)
        figures = {"created_per_s": made / took, "refused_percent": 100 * refused / max(1, made + refused)}
        create(url, flow, LISTED - made, seconds * 2)
        times: list[float] = []
        with httpx.Client(timeout=60) as client:
            for _ in range(60):
                started = time.perf_counter()
                client.post(f"{url}/flow_runs/filter", json={"limit": 200}).raise_for_status()
                times.append((time.perf_counter() - started) * 1e3)
        ordered = sorted(times)
        return {
            **figures,
            "filter_p50_ms": statistics.median(times),
            "filter_p95_ms": ordered[len(times) * 95 // 100],
        }


def create(url: str, flow: str, count: int, seconds: float) -> tuple[int, int, float]:
    """Made, refused, and the seconds it took: until there are `count`, or the time is up."""
    answers: list[int] = []
    ends = time.perf_counter() + seconds

    def ask() -> None:
        body = {"flow_id": flow, "state": {"type": "PENDING"}, "parameters": {"x": 1}}
        with httpx.Client(timeout=60) as client:
            while len(answers) < count and time.perf_counter() < ends:
                answers.append(client.post(f"{url}/flow_runs/", json=body).status_code)

    started = time.perf_counter()
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = sum(status < 300 for status in answers)
    return made, len(answers) - made, time.perf_counter() - started


def reporting(processes: int) -> dict[str, float]:
    """Task runs that flows in other processes report, until all of them (or no more) are on record."""
    with tempfile.TemporaryDirectory() as home, serving(home) as (url, pid, _):
        before, size = processor_seconds(pid), on_disk(home)
        started = time.perf_counter()
        running = [
            subprocess.Popen(
                [sys.executable, "-c", REPORT, str(TASKS)],
                env={**os.environ, "PREFECT_HOME": f"{home}/client-{number}", "PREFECT_API_URL": url},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for number in range(processes)
        ]
        calls = [float(process.communicate()[0].strip().splitlines()[-1]) for process in running]
        recorded, took = wait_until_recorded(url, processes * TASKS, started)
        used = processor_seconds(pid) - before
        each = {
            f"reported_per_s_{processes}": recorded / took,
            f"reported_percent_{processes}": 100 * recorded / (processes * TASKS),
        }
        if processes > 1:
            return each
        return {
            **each,
            "call_over_http_us": statistics.median(calls),
            "server_cpu_ms_per_task": used / max(1, recorded) * 1e3,
            "server_bytes_per_task": (on_disk(home) - size) / max(1, recorded),
        }


def wait_until_recorded(url: str, expected: int, started: float) -> tuple[int, float]:
    """How many task runs are on record, and when the last of them was; a minute without a new one ends it."""
    recorded, changed = 0, time.perf_counter()
    while recorded < expected and time.perf_counter() - changed < 60:
        found = httpx.post(f"{url}/task_runs/count", json={}, timeout=60).json()
        if found != recorded:
            recorded, changed = found, time.perf_counter()
        else:
            time.sleep(0.05)
    return recorded, changed - started


def on_disk(home: str) -> int:
    """Bytes of the database with its write-ahead log."""
    return sum(path.stat().st_size for path in Path(home).glob("*.db*"))


def main() -> None:
    report(**starting(), **idling(), **creating(), **reporting(1), **reporting(8))


if __name__ == "__main__":
    if len(sys.argv) > 2:  # one part by itself, for a person
        print(json.dumps(globals()[sys.argv[2]](*map(int, sys.argv[3:]))))
    else:
        main()
