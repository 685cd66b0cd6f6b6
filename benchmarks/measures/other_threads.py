"""The same 10,000 no-ops on eight threads of Dask, and of a bare ThreadPoolExecutor."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from distributed import Client, LocalCluster
from timing import report

TASKS = 10_000


def noop(_: int) -> None:
    """Nothing."""


def per_task(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) / TASKS * 1e6


def dask_threads() -> float:
    with (
        LocalCluster(n_workers=1, threads_per_worker=8, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(noop, range(8), pure=False))
        return per_task(lambda: client.gather(client.map(noop, range(TASKS), pure=False)))


def bare_threads() -> float:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(noop, range(8)))
        return per_task(lambda: list(pool.map(noop, range(TASKS))))


if __name__ == "__main__":
    report(dask_map_us=dask_threads(), bare_map_us=bare_threads())
