"""The core of the behaviour suite, on a Postgres store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from conformance.behaviour.conftest import result_folder
from databases import Postgres, kept_in
from prefect._storage import flow_runs
from prefect._storage.postgres import PostgresStore

__all__ = ["result_folder"]


@pytest.fixture(scope="module", autouse=True)
def store_of_the_module(postgres: Postgres) -> Iterator[None]:
    """Every run of the module is recorded in a database of its own, also those of other processes."""
    url = postgres.fresh()
    with kept_in(url):
        yield
    with closing(PostgresStore(url)) as store:
        assert flow_runs.find(store, limit=1), "the tests of the module were recorded elsewhere"
