"""States and futures give back the type that they carry."""

from __future__ import annotations

from typing_extensions import assert_type

from prefect import State, flow, task
from prefect.futures import PrefectFuture, as_completed, wait


@task
def work(x: int) -> str:
    return str(x)


@flow
def pipeline() -> list[str]:
    futures = [work.submit(x) for x in range(3)]
    assert_type(futures, list[PrefectFuture[str]])
    for future in as_completed(futures):
        assert_type(future, PrefectFuture[str])
        assert_type(future.state, State[str])
    assert_type(wait(futures).done, set[PrefectFuture[str]])
    return [future.result() for future in futures]


def results() -> None:
    assert_type(pipeline(), list[str])
    assert_type(pipeline(return_state=True), State[list[str]])
