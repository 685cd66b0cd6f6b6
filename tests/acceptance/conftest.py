"""What tests that start processes share."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def environment(tmp_path):
    """The environment of a user with a home of their own, and none of the settings of this test session."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**inherited, "PREFECT_HOME": str(tmp_path / "home"), "PYTHONUTF8": "1"}
