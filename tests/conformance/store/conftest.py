"""Every test of a store runs on each kind of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from databases import Postgres, empty
from prefect._storage.opening import open_store
from prefect._storage.protocol import Store


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which store."""
    return request.param


@pytest.fixture(scope="module")
def database(postgres: Postgres) -> str:
    """The database of this module: to make one takes as long as a dozen tests."""
    return postgres.fresh()


@pytest.fixture
def url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store of this test is, or is going to be. It has no rows."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'folder' / 'store.db'}"
    found = request.getfixturevalue("database")
    empty(found)
    return found


@pytest.fixture
def new_url(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store of this test is going to be. There are no tables yet."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'store.db'}"
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def opened(kind: str, request: pytest.FixtureRequest) -> Iterator[Callable[..., Store]]:
    """Open the store of this test, as often as one likes: each is a process's own, as far as the database can tell."""
    url = request.getfixturevalue("new_url" if "new_url" in request.fixturenames else "url")
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
