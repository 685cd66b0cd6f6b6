"""Tasks keep the parameters and the return type of their function; `# pyright: ignore` marks what must be refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from typing_extensions import assert_type

from prefect import State, task
from prefect.futures import PrefectFuture, PrefectFutureList


@task
def add(x: int, y: int = 1) -> int:
    return x + y


@task(retries=2, tags=["io"])
async def fetch(url: str) -> bytes:
    return url.encode()


@task
def count(n: int) -> Generator[int, None, str]:
    yield n
    return "the end"


@task
async def count_later(n: int) -> AsyncGenerator[int, None]:
    yield n


def called() -> None:
    assert_type(add(1), int)
    assert_type(add(1, y=2), int)
    assert_type(add(1, wait_for=[]), int)
    assert_type(add(1, return_state=True), State[int])
    add("1")  # pyright: ignore[reportArgumentType]
    add()  # pyright: ignore[reportCallIssue]
    add(1, z=2)  # pyright: ignore[reportCallIssue]


async def awaited() -> None:
    assert_type(await fetch("u"), bytes)
    assert_type(await fetch("u", return_state=True), State[bytes])
    fetch(1)  # pyright: ignore[reportArgumentType, reportUnusedCoroutine]


def submitted() -> None:
    assert_type(add.submit(1), PrefectFuture[int])
    assert_type(add.submit(1).result(), int)
    assert_type(add.submit(1, wait_for=[add.submit(2)]), PrefectFuture[int])
    assert_type(add.submit(1, return_state=True), State[int])
    assert_type(fetch.submit("u"), PrefectFuture[bytes])
    assert_type(fetch.submit("u").result(), bytes)
    assert_type(fetch.submit("u", return_state=True), State[bytes])


def mapped() -> None:
    assert_type(add.map([1, 2]), PrefectFutureList[int])
    assert_type(add.map([1, 2]).result(), list[int])
    assert_type(add.map([1, 2], return_state=True), list[State[int]])
    assert_type(fetch.map(["u"]), PrefectFutureList[bytes])
    assert_type(fetch.map(["u"]).result(), list[bytes])


async def generated() -> None:
    assert_type(count(3), Generator[int, None, str])
    for x in count(3):
        assert_type(x, int)
    async for x in count_later(3):
        assert_type(x, int)


def changed() -> None:
    assert_type(add.with_options(retries=3)(1), int)
    assert_type(add.with_options(name="plus").submit(1), PrefectFuture[int])
    assert_type(add.fn(1, 2), int)
    add.with_options(retries="3")  # pyright: ignore[reportArgumentType]


class Warehouse:
    @task
    def load(self, table: str) -> int:
        return len(table)

    @task
    async def load_later(self, table: str) -> int:
        return len(table)

    @staticmethod
    @task
    def name(number: int) -> str:
        return str(number)


async def methods(warehouse: Warehouse) -> None:
    assert_type(warehouse.load("t"), int)
    assert_type(warehouse.load("t", return_state=True), State[int])
    assert_type(warehouse.load.submit("t"), PrefectFuture[int])
    assert_type(await warehouse.load_later("t"), int)
    assert_type(Warehouse.load(warehouse, "t"), int)
    assert_type(Warehouse.name(1), str)
    warehouse.load(1)  # pyright: ignore[reportArgumentType]
