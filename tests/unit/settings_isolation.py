"""Settings tests see no configuration but their own: an empty home, an empty working directory, no variables."""

from __future__ import annotations

import os

import pytest

from prefect.settings import in_force


@pytest.fixture(name="home")
def isolated_home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.setenv("PREFECT_HOME", str(home))
    monkeypatch.chdir(work)
    monkeypatch.setattr(in_force, "_of_process", None)
    token = in_force._of_context.set(None)  # else the session's own store would be in force
    yield home
    in_force._of_context.reset(token)
