"""Never compute the same thing twice: cache policies, expiry, refresh, and a transaction that is undone.

python examples/caching.py     # run it twice: the second time, more is found in the cache
"""

from __future__ import annotations

import time
from datetime import timedelta

from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.transactions import transaction

# Equal inputs *and* an unchanged function: editing `simulate` makes the old results unreachable.
# INPUTS alone would be shared by every task that happens to get the same inputs.
SAME_CODE_SAME_INPUTS = INPUTS + TASK_SOURCE


@task(
    cache_policy=SAME_CODE_SAME_INPUTS - "verbose"
)  # `verbose` does not change the result, so it is left out
def simulate(seed: int, *, verbose: bool = False) -> int:
    if verbose:
        print(f"  simulating with seed {seed}")
    return seed * 6364136223846793005 % 1000


@task(cache_key_fn=lambda _context, _inputs: "exchange-rate", cache_expiration=timedelta(seconds=0.2))
def exchange_rate() -> float:
    return time.time()  # a value that is good for a fifth of a second


@task(cache_policy=SAME_CODE_SAME_INPUTS)
def reserve(seat: str) -> str:
    return f"reserved {seat}"


@reserve.on_rollback
def release(txn) -> None:
    print("  rolled back: the reservation is released and its cached result never existed")


@task
def charge(card: str) -> None:
    raise ValueError(f"card {card} was declined")


def outcome(state) -> str:
    """How a task came by its result: `Completed` is computed, `Cached` is found."""
    return f"{state.name:9} {state.result()}"


def book(seat: str, card: str) -> None:
    """Two tasks that belong together: what the first one did does not outlive a failure of the second."""
    with transaction():
        reserve(seat)
        charge(card)


@flow
def caching() -> None:
    print("first call          ", outcome(simulate(1, return_state=True)))
    print("same input          ", outcome(simulate(1, verbose=True, return_state=True)))
    print("other input         ", outcome(simulate(2, return_state=True)))
    refreshed = simulate.with_options(refresh_cache=True)
    print("asked to be fresh   ", outcome(refreshed(1, return_state=True)))

    first, second = exchange_rate(), exchange_rate()
    time.sleep(0.25)
    print("within its lifetime ", "same" if first == second else "different")
    print("after its lifetime  ", "same" if first == exchange_rate() else "different")

    try:
        book("12A", card="0000")
    except ValueError as error:
        print(f"  the booking failed: {error}")
    print("reserve once more   ", outcome(reserve("12A", return_state=True)))


if __name__ == "__main__":
    caching()
