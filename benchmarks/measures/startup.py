"""Whole processes: seconds of the import and of a hello-world flow, and the memory of their process trees."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from timing import report
from trees import resident

IMPORT = "from prefect import flow, task"
HELLO = """
from prefect import flow, task

@task
def greet(name):
    return f"Hello, {name}!"

@flow
def hello():
    return greet("world")

assert hello() == "Hello, world!"
"""


def measure(code: str, home: str, attempts: int = 3) -> tuple[float, float]:
    """Run code in a new interpreter; return its seconds and the peak MB of its process tree."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PREFECT_HOME": home},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peaks = [0]
    watcher = threading.Thread(target=watch, args=(process, peaks))
    watcher.start()
    status = process.wait()
    seconds = time.perf_counter() - started
    watcher.join()
    if status and attempts > 1:  # on a busy machine a temporary server may not be up in time
        return measure(code, home, attempts - 1)
    if status:
        raise SystemExit(f"expected the measured process to end well, got status {status}")
    return seconds, max(peaks) / 1e6


def watch(process: subprocess.Popen[bytes], peaks: list[int]) -> None:
    while process.poll() is None:
        peaks.append(resident(process.pid))
        time.sleep(0.005)


def main(times: int = 3) -> None:
    with tempfile.TemporaryDirectory() as warm:
        measure(HELLO, warm)  # compiles the bytecode, creates the home
        imports = [measure(IMPORT, warm) for _ in range(times)]
        warmed = [measure(HELLO, warm) for _ in range(times)]
    cold: list[float] = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as empty:
            cold.append(measure(HELLO, empty)[0])
    report(
        import_s=statistics.median(seconds for seconds, _ in imports),
        import_mb=statistics.median(megabytes for _, megabytes in imports),
        hello_warm_s=statistics.median(seconds for seconds, _ in warmed),
        hello_cold_s=statistics.median(cold),
        hello_mb=statistics.median(megabytes for _, megabytes in warmed),
    )


if __name__ == "__main__":
    main()
