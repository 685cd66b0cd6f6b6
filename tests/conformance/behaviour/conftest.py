"""What several of the behaviour suites lean on."""

from __future__ import annotations

from collections.abc import Iterator
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what only Pluperfect does when the suite runs against the original."""
    if "pluperfect" in prefect.__version__:
        return
    reason = "a fault of the original that is not copied"
    for item in items:
        if item.get_closest_marker("mends_the_original"):
            item.add_marker(pytest.mark.skip(reason=reason))
