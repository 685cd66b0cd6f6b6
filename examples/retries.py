"""A source that fails: wait longer each time, give up on what cannot get better, and tell someone.

    python examples/retries.py

Three currencies are asked for. EUR answers at once, GBP only the third time, and XXX does not exist: no
patience helps there, so the condition function ends the retries and the hook raises the alarm.
"""

from __future__ import annotations

from prefect import flow, get_run_logger, task
from prefect.tasks import exponential_backoff

OUTAGES = {"EUR": 0, "GBP": 2}  # how many more times each rate will be unavailable
RATES = {"EUR": 1.09, "GBP": 1.27}


class UnavailableError(Exception):
    """A server that is down now may be up in a moment."""


class UnknownCurrencyError(Exception):
    """A currency that does not exist will not exist in a moment either."""


def may_get_better(task, task_run, state) -> bool:
    """Asked after each failure, with the state that the attempt ended in."""
    return not isinstance(state.result(raise_on_failure=False), UnknownCurrencyError)


def raise_alarm(task, task_run, state) -> None:
    """Called once, when there will be no further attempt."""
    print(f"ALARM: {task_run.name} gave up after {task_run.run_count} attempt(s): {state.message}")


@task(
    retries=4,
    retry_delay_seconds=exponential_backoff(0.1),  # 0.1, 0.2, 0.4, 0.8 seconds
    retry_jitter_factor=0.2,  # a crowd of clients does not come back all at the same instant
    retry_condition_fn=may_get_better,
    on_failure=[raise_alarm],
    task_run_name="rate of {currency}",
)
def fetch_rate(currency: str) -> float:
    if currency not in RATES:
        raise UnknownCurrencyError(currency)
    if OUTAGES[currency] > 0:
        OUTAGES[currency] -= 1
        raise UnavailableError(f"503: no rate for {currency} just now")
    return RATES[currency]


@flow
def collect_rates(currencies: list[str]) -> dict[str, float]:
    futures = fetch_rate.map(currencies)
    futures.wait()
    rates = {
        currency: future.result()
        for currency, future in zip(currencies, futures, strict=True)
        if future.state.is_completed()
    }
    get_run_logger().info("%d of %d rates collected", len(rates), len(currencies))
    return rates


@collect_rates.on_completion
def announce(flow, flow_run, state) -> None:
    print(f"{flow.name} ended as {state.name}")


if __name__ == "__main__":
    print(collect_rates(["EUR", "GBP", "XXX"]))
