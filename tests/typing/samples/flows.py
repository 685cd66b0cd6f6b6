"""Flows keep the parameters and the return type of their function; `# pyright: ignore` marks what must be refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from typing_extensions import assert_type

from prefect import State, flow


@flow
def add(x: int, y: int = 1) -> int:
    return x + y


@flow(name="Fetch", retries=2)
async def fetch(url: str) -> bytes:
    return url.encode()


@flow
def count(n: int) -> Generator[int, None, str]:
    yield n
    return "the end"


@flow
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


async def generated() -> None:
    assert_type(count(3), Generator[int, None, str])
    for x in count(3):
        assert_type(x, int)
    async for x in count_later(3):
        assert_type(x, int)


def changed() -> None:
    assert_type(add.with_options(retries=3)(1), int)
    assert_type(add.fn(1, 2), int)
    add.with_options(retries="3")  # pyright: ignore[reportArgumentType]


class Warehouse:
    @flow
    def load(self, table: str) -> int:
        return len(table)

    @flow
    async def load_later(self, table: str) -> int:
        return len(table)

    @staticmethod
    @flow
    def name(number: int) -> str:
        return str(number)


async def methods(warehouse: Warehouse) -> None:
    assert_type(warehouse.load("t"), int)
    assert_type(warehouse.load("t", return_state=True), State[int])
    assert_type(await warehouse.load_later("t"), int)
    assert_type(Warehouse.load(warehouse, "t"), int)
    assert_type(Warehouse.name(1), str)
    warehouse.load(1)  # pyright: ignore[reportArgumentType]
