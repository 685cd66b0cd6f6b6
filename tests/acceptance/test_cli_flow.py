"""`prefect flow`: what flows there are."""

from __future__ import annotations

import json

import pytest
from cli_runs import Workshop, prefect

from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True)
def own_store():
    with prefect_test_harness():
        yield


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workshop(tmp_path)


def test_flows_are_listed_the_newest_first(work):
    work.run("etl", 1)
    work.run("child", 1)
    header, *rows = prefect("flow", "ls").stdout.splitlines()
    assert header.split() == ["ID", "Name", "Created"]
    assert [row.split()[1] for row in rows] == ["child", "etl"]
    (newest,) = json.loads(prefect("flows", "ls", "--limit", "1", "-o", "json").stdout)
    assert newest["name"] == "child"
    assert newest.keys() == {"id", "created", "updated", "name", "tags", "labels"}


def test_a_flow_is_shown_by_its_name_or_id(work):
    run = work.run("child", 1)
    work.fail("child", "no number")
    shown = json.loads(prefect("flow", "inspect", "child", "-o", "json").stdout)
    assert shown["flow_runs"]["COMPLETED"] == 1
    assert json.loads(prefect("flow", "inspect", shown["id"], "-o", "json").stdout) == shown
    text = prefect("flow", "inspect", "child").stdout
    assert "Flow 'child'" in text
    assert "1 COMPLETED" in text
    assert run is not None


def test_what_is_no_flow_is_refused(work):
    said = prefect("flow", "inspect", "nobody's", code=1)
    assert 'Expected the name or the id of a flow, got "nobody\'s"' in said.stderr
