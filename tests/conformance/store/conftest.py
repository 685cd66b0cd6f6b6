"""Every test of a store runs on each kind of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from prefect._storage.opening import open_store
from prefect._storage.protocol import Store


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store of this test is going to be."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'store.db'}"
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def opened(url: str) -> Iterator[Callable[..., Store]]:
    """Open the store of this test, as often as one likes: each is a process's own, as far as the database can tell."""
    stores: list[Store] = []

    def open_one(**options: bool) -> Store:
        stores.append(open_store(url, **options))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[..., Store]) -> Store:
    """An empty store."""
    return opened()
