"""What several of the behaviour suites lean on.

Some of them run twice: on the store of this process, and over HTTP to a server. With PLUPERFECT_OVER_HTTP=1 all do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import prefect
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH, temporary_settings


@pytest.fixture
def result_folder(tmp_path: Path) -> Iterator[Path]:
    """Persisted results go to a folder of this test alone, so no other test's cache is hit."""
    folder = tmp_path / "results"
    with temporary_settings({PREFECT_LOCAL_STORAGE_PATH: folder}):
        yield folder


ON_BOTH = {
    "test_calling",
    "test_crash_and_cancel",
    "test_names_and_subflows",
    "test_retries",
    "test_run_logging",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Where the runs of a test are kept."""
    if "place" in metafunc.fixturenames and "pluperfect" in prefect.__version__:
        both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH or os.environ.get(
            "PLUPERFECT_OVER_HTTP"
        )
        metafunc.parametrize("place", ["store", "http"] if both else ["store"], indirect=True)


@pytest.fixture(autouse=True)
def place(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs are kept in the store of this process, or by the server."""
    if getattr(request, "param", "store") == "store":
        yield
        return
    with _reporting_to(request.getfixturevalue("server_api")):
        yield


@pytest.fixture(scope="session")
def server_api(test_store: None) -> Iterator[str]:
    """A server on the store of this session; its API's URL."""
    from prefect._backend import resolve  # not of the original
    from prefect.server.app import create_app
    from server.conftest import serving

    kept = resolve.local_backend()
    with serving(create_app(lambda: kept)) as url:
        yield f"{url}/api"
        resolve.close(f"{url}/api")


@contextmanager
def _reporting_to(url: str) -> Iterator[None]:
    from prefect.settings.in_force import load  # not of the original

    os.environ["PREFECT_API_URL"] = url  # for threads without this context, and for child processes
    load()
    try:
        with temporary_settings({"PREFECT_API_URL": url}):
            yield
    finally:
        del os.environ["PREFECT_API_URL"]
        load()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what only Pluperfect does when the suite runs against the original."""
    if "pluperfect" in prefect.__version__:
        return
    reason = "a fault of the original that is not copied"
    for item in items:
        if item.get_closest_marker("mends_the_original"):
            item.add_marker(pytest.mark.skip(reason=reason))
