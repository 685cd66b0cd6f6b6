"""The core of the behaviour suite, on a Postgres store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from conformance.behaviour.conftest import result_folder
from databases import Postgres
from prefect._backend import resolve
from prefect._storage import flow_runs
from prefect._storage.postgres import PostgresStore
from prefect.settings import temporary_settings

__all__ = ["result_folder"]
NAME = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


@pytest.fixture(scope="module", autouse=True)
def store_of_the_module(postgres: Postgres) -> Iterator[None]:
    """Every run of the module is recorded in a database of its own, also those of other processes."""
    url = postgres.fresh()
    with pytest.MonkeyPatch.context() as patch, temporary_settings({NAME: url}):
        patch.setenv(NAME, url)
        yield
        resolve.close(url)
    with closing(PostgresStore(url)) as store:
        assert flow_runs.find(store, limit=1), "the tests of the module were recorded elsewhere"
