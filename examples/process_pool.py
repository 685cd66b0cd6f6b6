"""Work for every core: a CPU-bound task on a pool of processes, with progress as the parts come in.

    python examples/process_pool.py [LIMIT]

Counts the primes below LIMIT (ten million, unless told) in twenty slices. States, logs and results of the
tasks come home from the other processes as if they had run here.
"""

from __future__ import annotations

import math
import os
import sys

from prefect import flow, task
from prefect.futures import as_completed
from prefect.task_runners import ProcessPoolTaskRunner

SLICES = 20


def primes_up_to(limit: int) -> list[int]:
    """The sieve of Eratosthenes."""
    sieve = bytearray([1]) * (limit + 1)
    sieve[:2] = b"\0\0"
    for n in range(2, math.isqrt(limit) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit + 1, n)))
    return [n for n in range(limit + 1) if sieve[n]]


@task(task_run_name="primes from {start} to {stop}")
def count_primes(start: int, stop: int) -> tuple[int, int]:
    """How many primes lie in [start, stop), and the process that counted them."""
    sieve = bytearray([1]) * (stop - start)
    for prime in primes_up_to(math.isqrt(stop)):
        first = max(prime * prime, -(-start // prime) * prime) - start
        sieve[first::prime] = bytes(len(range(first, stop - start, prime)))
    sieve[: max(0, 2 - start)] = bytes(max(0, 2 - start))  # 0 and 1 are not primes
    return sum(sieve), os.getpid()


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def count_all_primes(limit: int) -> int:
    bounds = [limit * i // SLICES for i in range(SLICES + 1)]
    futures = count_primes.map(bounds[:-1], bounds[1:])
    total, processes = 0, set()
    for done, future in enumerate(as_completed(futures), start=1):
        count, process = future.result()
        total += count
        processes.add(process)
        print(f"{'#' * done:<{SLICES}} {done * 100 // SLICES:3}%  {total:,} primes so far")
    print(f"{len(processes)} processes, none of them this one: {os.getpid() not in processes}")
    return total


if __name__ == "__main__":
    upper = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    print(f"{count_all_primes(upper):,} primes below {upper:,}")
