"""`prefect deployment schedule` and `prefect deployment backfill`, on a store without a server."""

from __future__ import annotations

import json
import threading
from datetime import date, datetime, timezone
from uuid import UUID, uuid4

import pytest
from cli_runs import prefect

from databases import empty, kept_in
from prefect import flow, get_client
from prefect._engine.run import resume, run_flow_call
from prefect.runtime import flow_run
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="module")
def database(postgres):
    return postgres.fresh()


@pytest.fixture(params=["sqlite", "postgres"], autouse=True)
def own_store(request):
    with prefect_test_harness():
        if request.param == "sqlite":
            yield
            return
        url = request.getfixturevalue("database")
        empty(url)
        with kept_in(url):
            yield


def as_json(*words):
    return json.loads(prefect(*words, "-o", "json").stdout)


def schedule(*words, **options):
    return prefect("deployment", "schedule", *words, **options)


seen: list[tuple[date, datetime]] = []


@flow
def nightly(as_of: date):
    seen.append((as_of, flow_run.scheduled_start_time))


@pytest.fixture
def deployed() -> UUID:
    """A deployment `nightly/prod`, whose parameter is a date."""
    schema = {"type": "object", "properties": {"as_of": {"type": "string", "format": "date"}}}
    with get_client(sync_client=True) as client:
        return client.create_deployment(
            client.create_flow_from_name("nightly"), "prod", parameter_openapi_schema=schema
        )


@pytest.fixture
def served(deployed):
    """Executes what is asked for, in its order, as who serves it would; what it has run at once at most."""
    stop, most = threading.Event(), [0]

    def serve() -> None:
        with get_client(sync_client=True) as client:
            while not stop.wait(0.02):
                waiting = client.get_scheduled_flow_runs_for_deployments([deployed])
                most[0] = max(most[0], len(waiting))
                for run in waiting[:1]:
                    parameters = {"as_of": date.fromisoformat(run.parameters["as_of"])}
                    run_flow_call(resume(nightly, run.id.bytes, parameters), return_state=True)

    import contextvars

    thread = threading.Thread(target=contextvars.copy_context().run, args=(serve,))
    thread.start()
    yield most
    stop.set()
    thread.join(20)


class TestSchedule:
    def test_one_from_its_making_to_its_end(self, deployed):
        made = ["create", "nightly/prod", "--cron", "0 2 * * *", "--timezone", "Europe/Berlin"]
        schedule(*made, "--overlap", "queue", "--catch-up", "latest", "--max-scheduled-runs", "2")
        (one,) = as_json("deployment", "schedule", "ls", "nightly/prod")
        assert one["schedule"] == {"cron": "0 2 * * *", "timezone": "Europe/Berlin", "day_or": True}
        assert (one["overlap"], one["catch_up"], one["max_scheduled_runs"]) == ("queue", "latest", 2)
        shown = schedule("ls", "nightly/prod").stdout
        assert "0 2 * * * (Europe/Berlin)" in shown
        assert "overlap queue, catch up latest, at most 2" in shown
        schedule("pause", "nightly/prod", one["id"])
        assert not as_json("deployment", "schedule", "ls", str(deployed))[0]["active"]
        assert "1 schedule already" in schedule("pause", "nightly/prod").stdout
        schedule("resume", "--all")
        assert as_json("deployment", "schedule", "ls", "nightly/prod")[0]["active"]
        schedule("delete", "nightly/prod", one["id"], "-y")
        assert schedule("ls", "nightly/prod").stdout == "nightly/prod has no schedule.\n"

    def test_every_kind_and_all_of_them_gone(self, deployed):
        schedule("create", "nightly/prod", "--interval", "3600", "--anchor-date", "2027-01-01T00:00:00Z")
        schedule("create", "nightly/prod", "--rrule", "FREQ=DAILY", "--no-active")
        assert len(as_json("deployment", "schedule", "ls", "nightly/prod")) == 2
        schedule("create", "nightly/prod", "--cron", "@daily", "--replace", "-y")
        assert len(as_json("deployment", "schedule", "ls", "nightly/prod")) == 1
        assert schedule("clear", "nightly/prod", "-y").stdout == "Deleted 1 schedule of nightly/prod.\n"

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["create", "nightly/prod"], "exactly one of --interval, --cron and --rrule"),
            (["create", "nightly/prod", "--cron", "never"], "Expected a schedule"),
            (["create", "nightly/prod", "--cron", "@daily", "--timezone", "Mars/Base"], "Mars/Base"),
            (["create", "nightly/prod", "--cron", "@daily", "--anchor-date", "2027-01-01"], "--anchor-date"),
            (["ls", "nightly/gone"], "'nightly/gone', which is none"),
            (["delete", "nightly/prod", str(uuid4()), "-y"], "schedule ls"),
            (["pause"], "--all"),
        ],
        ids=["none", "cron", "zone", "anchor", "deployment", "id", "all"],
    )
    def test_what_is_no_schedule_is_refused(self, deployed, words, said):
        assert said in schedule(*words, code=1).stderr


class TestBackfill:
    days = ("--from", "2026-03-28", "--to", "2026-03-30")

    def test_a_dry_run_says_which_slots_there_are(self, deployed):
        schedule("create", "nightly/prod", "--cron", "30 2 * * *", "--timezone", "Europe/Berlin")
        words = ["deployment", "backfill", "nightly/prod", *self.days, "--dry-run"]
        found = as_json(*words, "--parameter-from-slot", "as_of")
        assert [one["parameters"]["as_of"] for one in found] == ["2026-03-28", "2026-03-29", "2026-03-30"]
        # on the 29th the clock skips 02:30
        assert [one["slot"][11:16] for one in found] == ["01:30", "01:30", "00:30"]
        assert "3 runs would be made." in prefect(*words).stdout

    def test_each_slot_is_run_once_and_knows_its_time(self, deployed, served):
        seen.clear()
        schedule("create", "nightly/prod", "--cron", "0 2 * * *")
        words = ["deployment", "backfill", "nightly/prod", *self.days, "--parameter-from-slot", "as_of"]
        said = prefect(*words, "--limit", "1").stdout
        assert said.splitlines()[-1] == "3 runs made: 3 completed, 0 not."
        assert seen == [
            (date(2026, 3, day), datetime(2026, 3, day, 2, tzinfo=timezone.utc)) for day in (28, 29, 30)
        ]
        assert served == [1]  # never more than the limit waited at once
        # one more day: those that have had their run get no other
        longer = [*words[:-4], "--from", "2026-03-28", "--to", "2026-03-31", *words[-2:]]
        assert "1 run made; 3 runs there before: 1 completed" in prefect(*longer).stdout
        assert len(seen) == 4

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--from", "yesterday", "--to", "2026-03-30"], "--from as a date or a time"),
            (["--from", "2026-03-30", "--to", "2026-03-01"], "--from before --to"),
            ([*days, "--parameter-from-slot", "day"], "Expected a parameter of the flow (as_of), got 'day'"),
            ([*days, "--schedule", str(uuid4())], "Expected a deployment with a schedule"),
        ],
        ids=["date", "order", "parameter", "schedule"],
    )
    def test_what_makes_no_sense_is_refused(self, deployed, words, said):
        schedule("create", "nightly/prod", "--cron", "0 2 * * *")
        assert said in prefect("deployment", "backfill", "nightly/prod", *words, code=1).stderr
