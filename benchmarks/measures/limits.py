"""200 who wait for a limit of 1: how long after a release the next one is inside. Public names only."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from served import serving
from timing import SECONDS, report_parts

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import concurrency

WAITERS = 200 if SECONDS >= 1 else 20
PROCESSES = 4
HELD = 0.003  # seconds that each is inside
PATIENCE = 60.0  # seconds for all of them; who has not come then is not counted
NAME = "bench"


async def make_limit() -> None:
    async with get_client() as client:
        await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=NAME, limit=1))


async def wait_together(waiters: int, until: float) -> list[tuple[float, float]]:
    """When each was inside, by a clock that all processes have."""
    visits: list[tuple[float, float]] = []

    async def visit() -> None:
        async with concurrency(NAME):
            came = time.perf_counter()
            await asyncio.sleep(HELD)
            visits.append((came, time.perf_counter()))

    tasks = [asyncio.ensure_future(visit()) for _ in range(waiters)]
    _, late = await asyncio.wait(tasks, timeout=until - time.perf_counter())
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return visits


def delays(visits: list[tuple[float, float]]) -> list[float]:
    """Milliseconds between a release and the next one's coming, in order of size."""
    ordered = sorted(visits)
    return sorted((after[0] - before[1]) * 1e3 for before, after in pairwise(ordered)) or [PATIENCE * 1e3]


def figures(prefix: str, visits: list[tuple[float, float]]) -> dict[str, float]:
    found = delays(visits)
    return {
        f"{prefix}_p50_ms": found[len(found) // 2],
        f"{prefix}_p95_ms": found[int(len(found) * 0.95)],
        f"{prefix}_percent": 100 * len(visits) / WAITERS,
    }


def in_processes() -> list[tuple[float, float]]:
    """The same waiters in several processes, all of one server."""
    until = time.perf_counter() + PATIENCE
    command = [sys.executable, __file__, str(SECONDS), "wait", str(until)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    visits: list[tuple[float, float]] = []
    for child in children:
        said, _ = child.communicate()
        visits += [(came, left) for came, left in json.loads(said.splitlines()[-1])]
    return visits


def waking() -> dict[str, float]:
    asyncio.run(make_limit())
    return figures("wake", asyncio.run(wait_together(WAITERS, time.perf_counter() + PATIENCE)))


def waking_over_http() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as home, serving(home) as server:
        os.environ["PREFECT_API_URL"] = server.url
        making = "import asyncio, limits; asyncio.run(limits.make_limit())"
        subprocess.run([sys.executable, "-c", making], cwd=Path(__file__).parent, check=True)
        return figures("wake_over_http", in_processes())


if __name__ == "__main__":
    if sys.argv[2:3] == ["wait"]:
        print(json.dumps(asyncio.run(wait_together(WAITERS // PROCESSES, float(sys.argv[3])))), flush=True)
    else:
        report_parts({"waking": waking, "waking_over_http": waking_over_http})
