"""A server of its own for each part: starting, idling, and what clients ask of it over HTTP.

python benchmarks/measures/server.py 2 reporting_8    # one part by itself
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from served import Client, Server, create, on_disk, serving, wait_until_recorded
from timing import SECONDS, report_parts
from trees import processor_seconds, resident

WHOLE = SECONDS >= 1  # else only that it runs at all
IDLE = 30.0 if WHOLE else SECONDS  # seconds that an idle server is watched
CREATED = 2_000 if WHOLE else 40  # flow runs that are asked for, at most
LISTED = 100_000 if WHOLE else 40  # flow runs that a list is taken from, at most
LISTING_SECONDS = 120.0 if WHOLE else SECONDS  # to make them
TASKS = 1_000 if WHOLE else 20  # task runs that each process reports, at most
REPORTING_SECONDS = 10.0 if WHOLE else SECONDS  # that each process reports, at most
REPORT = """
import sys, time
from prefect import flow, task

@task
def noop(_):
    return None

@flow
def empty():
    return None

def repeated(call, most, seconds):
    count, started, worked = 0, time.perf_counter(), time.process_time()
    while count < most and time.perf_counter() - started < seconds:
        call(count)
        count += 1
    calls = (time.perf_counter() - started) / count * 1e6
    return count, calls, lambda: (time.process_time() - worked) / count * 1e6

@flow
def reports(most, seconds):
    return repeated(noop, most, seconds)

what, most, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
calls = reports if what == "task_runs" else lambda *limits: repeated(lambda _: empty(), *limits)
count, elapsed, processor = calls(most, seconds)
print(count, elapsed, processor())
"""


def starting(times: int = 3) -> dict[str, float]:
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(times if WHOLE else 1):
        with tempfile.TemporaryDirectory() as home:
            with serving(home) as server:
                cold.append(server.seconds)
            with serving(home) as server:
                warm.append(server.seconds)
    return {"healthy_cold_s": statistics.median(cold), "healthy_warm_s": statistics.median(warm)}


def idling() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home, serving(home) as server:
        time.sleep(min(5.0, IDLE))  # its services have had their first round
        before, started = processor_seconds(server.pid), time.perf_counter()
        time.sleep(IDLE)
        used = (processor_seconds(server.pid) - before) / (time.perf_counter() - started)
        return {"idle_mb": resident(server.pid) / 1e6, "idle_cpu_percent": used * 100}


def creating() -> dict[str, float]:
    """Flow runs made by eight clients at once, the share that was refused, and lists of what is there."""
    with tempfile.TemporaryDirectory() as home, serving(home) as server:
        flow = json.loads(Client(server.port).post("/flows/", {"name": "created"})[1])["id"]
        before = processor_seconds(server.pid)
        made, refused, took = create(server, flow, CREATED, REPORTING_SECONDS)
        used = processor_seconds(server.pid) - before
        more, _, _ = create(server, flow, LISTED - made, LISTING_SECONDS)
        return {
            "created_per_s": made / took,
            "refused_percent": 100 * refused / max(1, made + refused),
            "server_cpu_ms_per_created": used / max(1, made + refused) * 1e3,
            "listed_from": made + more,
            **listing(server),
        }


def listing(server: Server) -> dict[str, float]:
    """How long a list of 200 of its flow runs takes."""
    client = Client(server.port)
    times: list[float] = []
    for _ in range(60):
        started = time.perf_counter()
        status, _ = client.post("/flow_runs/filter", {"limit": 200})
        assert status == 200, status
        times.append((time.perf_counter() - started) * 1e3)
    return {
        "filter_p50_ms": statistics.median(times),
        "filter_p95_ms": sorted(times)[len(times) * 95 // 100],
    }


def reporting_flow_runs(processes: int) -> dict[str, float]:
    """Flow runs that other processes report, until all of them (or no more) are on record."""
    with tempfile.TemporaryDirectory() as home, serving(home) as server:
        started = time.perf_counter()
        reports = reported(server, "flow_runs", processes)
        called = sum(count for count, _, _ in reports)
        recorded, took = wait_until_recorded(server, "flow_runs", called, started)
        return {
            f"flow_runs_per_s_{processes}": recorded / took,
            f"flow_runs_percent_{processes}": 100 * recorded / max(1, called),
            f"flow_runs_failed_{processes}": processes - len(reports),
        }


def reporting(processes: int) -> dict[str, float]:
    """Task runs that flows in other processes report, until all of them (or no more) are on record."""
    with tempfile.TemporaryDirectory() as home:
        with serving(home):
            pass  # the store is made
        size = on_disk(home)
        with serving(home) as server:
            before, started = processor_seconds(server.pid), time.perf_counter()
            reports = reported(server, "task_runs", processes)
            called = sum(count for count, _, _ in reports)
            recorded, took = wait_until_recorded(server, "task_runs", called, started)
            used = processor_seconds(server.pid) - before
        each = {
            f"reported_per_s_{processes}": recorded / took,
            f"reported_percent_{processes}": 100 * recorded / max(1, called),
        }
        if processes > 1:
            return each
        [(_, elapsed, processor)] = reports  # fails where the process did: there is nothing to say
        return {
            **each,
            "call_over_http_us": elapsed,
            "call_over_http_cpu_us": processor,
            "server_cpu_ms_per_task": used / max(1, recorded) * 1e3,
            "server_bytes_per_task": (on_disk(home) - size) / max(1, recorded),
        }


def reported(server: Server, what: str, processes: int) -> list[tuple[int, float, float]]:
    """For each process that did not fail, how many runs it made, and the microseconds and processor time of each.

    What is odd is said on stderr: which process failed and why, and which took much longer than it was told to.
    """
    started = time.perf_counter()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", REPORT, what, str(TASKS), str(REPORTING_SECONDS)],
            env={
                **os.environ,
                "PREFECT_HOME": f"{server.home}/client-{number}",
                "PREFECT_API_URL": server.url,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    with ThreadPoolExecutor(processes) as threads:
        ended = list(threads.map(lambda process: (*process.communicate(), time.perf_counter()), running))
    reports: list[tuple[int, float, float]] = []
    for number, (output, errors, when) in enumerate(ended):
        if when - started > REPORTING_SECONDS + 60:
            note(f"{what}: process {number} of {processes} took {when - started:.0f} s; {last_line(errors)}")
        if running[number].returncode or not output.strip():
            note(f"{what}: process {number} of {processes} failed: {last_line(errors)}")
        else:
            count, elapsed, processor = output.strip().splitlines()[-1].split()
            reports.append((int(count), float(elapsed), float(processor)))
    return reports


def note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr, flush=True)


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:300]


if __name__ == "__main__":
    parts = {"starting": starting, "idling": idling, "creating": creating}
    for part in (reporting_flow_runs, reporting):
        for processes in (1, 8):
            parts[f"{part.__name__}_{processes}"] = partial(part, processes)
    report_parts(parts)
