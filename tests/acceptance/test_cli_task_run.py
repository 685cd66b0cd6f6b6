"""`prefect task-run`: what task runs did."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from cli_runs import Workshop, prefect

from prefect import task
from prefect._backend import journal
from prefect._backend.resolve import backend
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(autouse=True)
def own_store():
    with prefect_test_harness():
        yield


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Workshop(tmp_path)


def text(run):
    return str(UUID(bytes=run.id))


class TestLs:
    def test_the_newest_come_first(self, work):
        work.run("etl", 1)
        header, one, two = prefect("task-run", "ls").stdout.splitlines()
        assert header.split() == ["ID", "Task", "Name", "State", "When", "Duration"]
        assert (one.split()[1], two.split()[1]) == ("load", "extract")
        assert one.split()[3] == "Completed"

    @pytest.mark.parametrize(
        ("words", "count"),
        [
            ([], 4),
            (["--limit", "3"], 3),
            (["--state", "failed"], 1),
            (["--state-type", "COMPLETED"], 3),
            (["--task-run-name", "nobody"], 0),
        ],
    )
    def test_filters(self, work, words, count):
        work.run("etl", 1)
        work.fail("etl", 1)
        assert len(json.loads(prefect("task-run", "ls", *words, "-o", "json").stdout)) == count

    def test_of_one_flow_run(self, work):
        first = work.run("etl", 1)
        work.run("etl", 1)
        found = json.loads(prefect("task-run", "ls", "--flow-run", first.name, "-o", "json").stdout)
        assert {run["flow_run_id"] for run in found} == {text(first)}
        assert found[0]["state"]["type"] == "COMPLETED"

    def test_nothing_to_list(self):
        assert prefect("task-runs", "ls").stdout == "There are no task runs yet.\n"
        assert prefect("task-run", "ls", "--state", "Cached").stdout == "No task runs match.\n"


class TestInspect:
    def test_a_failed_run(self, work):
        flow_run = work.fail("etl", 1)
        failed, _ = backend().find_task_runs(flow_run_ids=[flow_run.id], newest_first=True)
        for word in (text(failed), failed.name):
            shown = prefect("task-run", "inspect", word).stdout
            assert "ValueError: bad row 0" in shown
            assert f"Flow run     {flow_run.name}  {text(flow_run)}" in shown

    def test_a_run_of_no_flow_with_retries(self):
        @task(retries=1, tags=["a-tag"])
        def flaky():
            from prefect.runtime import task_run

            if task_run.run_count == 1:
                raise ValueError("once")
            return 1

        flaky()
        journal.commit()
        (run,) = backend().find_task_runs()
        shown = prefect("task-run", "inspect", run.name).stdout
        assert "Pending → Running → Retrying → Completed" in shown
        assert "a-tag" in shown
        assert "Flow run" not in shown

    def test_json_has_the_fields_of_the_public_model(self, work):
        work.run("etl", 1)
        run = backend().find_task_runs()[0]
        shown = json.loads(prefect("task-run", "inspect", text(run), "-o", "json").stdout)
        assert (shown["id"], shown["name"], shown["state"]["name"]) == (text(run), run.name, "Completed")

    def test_what_there_is_not(self):
        assert "See `prefect task-run ls`" in prefect("task-run", "inspect", "nobody", code=1).stderr


class TestLogs:
    def test_its_own_lines(self, work):
        work.run("etl", 2)
        run = backend().find_task_runs()[0]
        (line,) = prefect("task-run", "logs", run.name).stdout.splitlines()
        assert line.endswith(f"| INFO    | Task run '{run.name}' - extracting 0")

    def test_json(self, work):
        work.run("etl", 1)
        run = backend().find_task_runs()[0]
        (line,) = json.loads(prefect("task-run", "logs", run.name, "--tail", "-o", "json").stdout)
        assert (line["task_run_id"], line["message"]) == (text(run), "extracting 0")
