"""A served flow: how soon its runs start after they were asked for, and what waiting for them costs.

With a server; on this package also without one: the peer's `serve` is nothing without its server.

python benchmarks/measures/deployments.py 2 triggering    # one part by itself
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from served import serving
from timing import SECONDS, report_parts
from trees import processor_seconds

HERE = Path(__file__).parent
WHOLE = SECONDS >= 1  # else only that it runs at all
TRIGGERS = 10 if WHOLE else 2
TOGETHER = 50 if WHOLE else 4
LIMIT = 10 if WHOLE else 2
IDLE = 30.0 if WHOLE else SECONDS  # seconds that an idle `serve` is watched
SETTLED = 5.0 if WHOLE else SECONDS  # seconds until it has done what it does at first


class Service(NamedTuple):
    """A `serve` in a process of its own."""

    pid: int
    folder: Path
    environment: dict[str, str]


@contextmanager
def served(limit: int, *, with_server: bool) -> Iterator[Service]:
    """The flow of marks.py, served on a home of its own. Its deployment may not be there yet."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PREFECT_HOME": f"{folder}/home", "PREFECT_LOGGING_LEVEL": "ERROR"}
        if not with_server:
            with running(limit, environment) as pid:
                yield Service(pid, Path(folder), environment)
            return
        with serving(f"{folder}/home") as server:
            environment["PREFECT_API_URL"] = server.url
            with running(limit, environment) as pid:
                yield Service(pid, Path(folder), environment)


@contextmanager
def running(limit: int, environment: dict[str, str]) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "marks.py"), str(limit)],
        env=environment,
        cwd=HERE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def asked_for(service: Service, count: int, how: str) -> list[tuple[float, float]]:
    """When runs were asked for, by another process, and when they came."""
    command = [sys.executable, str(HERE / "triggers.py"), str(service.folder), str(count), how]
    ended = subprocess.run(command, env=service.environment, stdout=subprocess.PIPE, text=True, check=True)
    return [(asked, came) for asked, came in json.loads(ended.stdout.splitlines()[-1])]


def triggering(*, with_server: bool = True) -> dict[str, float]:
    """Milliseconds from the request to the first line of the flow."""
    with served(0, with_server=with_server) as service:
        times = asked_for(service, TRIGGERS, "one-by-one")
    delays = sorted((came - asked) * 1e3 for asked, came in times)
    suffix = "" if with_server else "_embedded"
    return {
        f"trigger_p50{suffix}_ms": (delays[(len(delays) - 1) // 2] + delays[len(delays) // 2]) / 2,
        f"trigger_p95{suffix}_ms": delays[min(len(delays) - 1, int(len(delays) * 0.95))],
    }


def together(*, with_server: bool = True) -> dict[str, float]:
    """Seconds from the first request until all runs are Completed on record."""
    with served(LIMIT, with_server=with_server) as service:
        times = asked_for(service, TOGETHER, "together")
    suffix = "" if with_server else "_embedded"
    return {f"together{suffix}_s": max(came for _, came in times) - times[0][0]}


def idling(*, with_server: bool = True) -> dict[str, float]:
    """The share of one processor that `serve`, with all of its processes, needs for nothing."""
    with served(0, with_server=with_server) as service:
        asked_for(service, 1, "one-by-one")  # it serves, and has run something
        time.sleep(SETTLED)
        before, started = processor_seconds(service.pid), time.perf_counter()
        time.sleep(IDLE)
        used = (processor_seconds(service.pid) - before) / (time.perf_counter() - started)
    suffix = "" if with_server else "_embedded"
    return {f"serve_idle{suffix}_cpu_percent": used * 100}


def triggering_embedded() -> dict[str, float]:
    return triggering(with_server=False)


def together_embedded() -> dict[str, float]:
    return together(with_server=False)


def idling_embedded() -> dict[str, float]:
    return idling(with_server=False)


def is_ours() -> bool:
    code = "import prefect; print(prefect.__version__)"
    return (
        "pluperfect"
        in subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    )


WITH_SERVER = (triggering, together, idling)
WITHOUT = (triggering_embedded, together_embedded, idling_embedded)


if __name__ == "__main__":
    report_parts({part.__name__: part for part in (*WITH_SERVER, *(WITHOUT if is_ours() else ()))})
