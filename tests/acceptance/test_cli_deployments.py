"""`prefect deployment …`: see, run, pause and delete deployments, on a store without a server."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from cli_runs import prefect

from prefect._base.clock import UTC, now
from prefect.client.orchestration import get_client
from prefect.model.requests.deployment_actions import DeploymentScheduleCreate
from prefect.model.schedules import CronSchedule
from prefect.states import Completed, Failed, Pending, Running
from prefect.testing.utilities import prefect_test_harness

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "default": 1}, "s": {"type": "string"}},
}


@pytest.fixture(autouse=True)
def own_store():
    with prefect_test_harness():
        yield


@pytest.fixture
def client():
    with get_client(sync_client=True) as asking:
        yield asking


@pytest.fixture
def nightly(client):
    schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 2 * * *", timezone="Europe/Paris"))
    return client.create_deployment(
        client.create_flow_from_name("etl"),
        "nightly",
        parameter_openapi_schema=SCHEMA,
        entrypoint="flows.py:etl",
        tags=["t"],
        schedules=[schedule],
    )


def as_json(*words):
    return json.loads(prefect(*words, "-o", "json").stdout)


def runs(client):
    return [one for one in client.read_flow_runs() if not one.auto_scheduled]


class TestSeeing:
    def test_a_list(self, client, nightly):
        client.create_deployment(client.create_flow_from_name("other"), "d")
        listed = prefect("deployment", "ls").stdout
        assert listed.index("etl/nightly") < listed.index("other/d")
        assert "cron 0 2 * * * (Europe/Paris)" in listed
        assert [one["name"] for one in as_json("deployment", "ls", "other")] == ["d"]
        assert [one["name"] for one in as_json("deployments", "ls", "--by-created")] == ["d", "nightly"]
        assert "no such" in prefect("deployment", "ls", "nope").stdout

    def test_an_empty_list(self):
        assert prefect("deployment", "ls").stdout == "There are no deployments yet.\n"

    def test_one(self, nightly):
        shown = prefect("deployment", "inspect", "etl/nightly").stdout
        for text in ("flows.py:etl", "n: integer = 1", "Europe/Paris", str(nightly)):
            assert text in shown
        assert as_json("deployment", "inspect", str(nightly))["name"] == "nightly"

    @pytest.mark.parametrize("name", ["etl/nope", "etl", str(uuid4())], ids=["name", "form", "id"])
    @pytest.mark.parametrize("command", ["inspect", "run", "pause", "resume", "delete"])
    def test_one_that_is_not_there(self, command, name):
        assert "prefect deployment ls" in prefect("deployment", command, name, code=1).stderr


class TestRunning:
    def test_with_everything(self, client, nightly):
        prefect(
            *("deployment", "run", "etl/nightly", "--param", "n=3", "--params", '{"s": "5"}', "--tag", "x"),
            *(
                "--flow-run-name",
                "mine",
                "--job-variable",
                "memory=5",
                "--start-at",
                "2026-12-24 17:00+00:00",
            ),
        )
        (run,) = runs(client)
        assert (run.name, run.parameters, set(run.tags)) == ("mine", {"n": 3, "s": "5"}, {"t", "x"})
        assert run.job_variables == {"memory": 5}
        assert run.expected_start_time == datetime(2026, 12, 24, 17, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [("90", 90), ("10 minutes", 600), ("1h30m", 5400), ("an hour and 5 min", 3900), ("2 days", 172_800)],
    )
    def test_later(self, client, nightly, text, seconds):
        before = now()
        prefect("deployment", "run", "--id", str(nightly), "--start-in", text)
        late = runs(client)[0].expected_start_time - before - timedelta(seconds=seconds)
        assert timedelta(0) <= late < timedelta(seconds=20)

    def test_parameters_from_a_pipe(self, client, nightly):
        prefect("deployment", "run", "etl/nightly", "--params", "-", typed='{"n": 7}')
        assert runs(client)[0].parameters == {"n": 7}

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["-p", "n=x"], "field 'n'"),
            (["-p", "n=x"], "prefect deployment inspect 'etl/nightly'"),
            (["-p", "zz=1"], "takes n, s, got zz"),
            (["-p", "n"], "name=value"),
            (["--params", "[1]"], "JSON object"),
            (["-p", "n=1", "--params", '{"n": 2}'], "each parameter once"),
            (["--start-in", "soon"], "--start-in such as"),
            (["--start-at", "some day"], "--start-at such as"),
            (["--start-in", "1h", "--start-at", "5pm"], "got both"),
            (["--id", str(uuid4())], "one of the two"),
        ],
        ids=range(10),
    )
    def test_what_is_refused(self, client, nightly, words, said):
        assert said in prefect("deployment", "run", "etl/nightly", *words, code=1).stderr
        assert runs(client) == []

    @pytest.mark.parametrize(
        ("state", "code"), [(Completed(), 0), (Failed(), 1)], ids=["completed", "failed"]
    )
    def test_watched_to_its_end(self, client, nightly, state, code):
        def execute() -> None:
            with get_client(sync_client=True) as own:
                while not runs(own):
                    pass
                for one in (Pending(), Running(), state):
                    own.set_flow_run_state(runs(own)[0].id, one, force=True)

        executor = threading.Thread(target=execute)
        executor.start()
        words = ("deployment", "run", "etl/nightly", "--watch", "--watch-interval", "0.02")
        shown = prefect(*words, code=code).stdout
        executor.join()
        assert f"is {state.name}" in shown

    def test_watched_for_a_while(self, nightly):
        words = ("deployment", "run", "etl/nightly", "--watch", "--watch-timeout", "0.1")
        assert "is Scheduled" in prefect(*words, code=1).stderr


def test_paused_and_resumed(client, nightly):
    prefect("deployment", "pause", "etl/nightly")
    assert client.read_deployment(nightly).paused
    assert "paused" in prefect("deployment", "ls").stdout
    prefect("deployment", "resume", "etl/nightly")
    assert not client.read_deployment(nightly).paused


class TestDeleting:
    def test_one(self, client, nightly):
        prefect("deployment", "delete", "etl/nightly")
        assert client.read_deployments() == []

    def test_all_of_them(self, client, nightly):
        client.create_deployment(client.create_flow_from_name("other"), "d")
        prefect("deployment", "delete", "--all", typed="n\n", code=1)
        assert len(client.read_deployments()) == 2
        assert prefect("deployment", "delete", "--all").stdout.count("Deleted") == 2
        assert client.read_deployments() == []

    def test_nothing_by_mistake(self, client, nightly):
        prefect("deployment", "delete", code=1)
        prefect("deployment", "delete", "etl/nightly", "--all", code=1)
        assert len(client.read_deployments()) == 1
