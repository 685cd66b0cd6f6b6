"""Every test runs against a store of its own session, and never sees the developer's settings."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

from conformance.forms import Async, Form, Sync
from databases import Postgres


def _prefect_variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("PREFECT_")}


def pytest_configure(config: pytest.Config) -> None:
    """Before a test module is imported: no PREFECT_* of the caller, and a home that goes away."""
    for name in _prefect_variables():
        del os.environ[name]
    home = tempfile.TemporaryDirectory(prefix="prefect-tests-")
    os.environ["PREFECT_HOME"] = home.name
    config.add_cleanup(home.cleanup)


@pytest.fixture(scope="session", autouse=True)
def test_store() -> Iterator[None]:
    """One store for the whole session: tests find their runs by id, so they need not start empty."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness():
        yield


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """What a test does to PREFECT_* variables ends with it."""
    before = _prefect_variables()
    yield
    for name in _prefect_variables().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def form(request: pytest.FixtureRequest) -> Form:
    """The test runs twice: its flows and tasks are plain functions, then coroutine functions."""
    return request.param


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real Postgres, started when the first test asks for it."""
    server = Postgres()
    yield server
    server.close()
