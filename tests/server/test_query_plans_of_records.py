"""Lists of task runs, log lines and events are read along indexes: what they cost does not grow with the store."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from databases import backend_on
from prefect._api import events, logs, task_run_lists, task_runs, ui_timeline
from prefect._api.api import Api
from prefect._api.flow_runs import create_flow_run
from prefect._api.flows import create_flow
from prefect._backend import task_queue
from prefect._base.ids import id_at
from prefect._storage import task_runs as records
from prefect._storage.sqlite import SqliteStore
from prefect.model.records import TaskRunRecord
from prefect.model.requests.events import FilterEvents
from prefect.model.requests.flow_run_actions import FlowRunCreate
from prefect.model.requests.flows import FlowCreate
from prefect.model.requests.joint import JointFilter
from prefect.model.requests.logs import FilterLogs
from prefect.model.requests.task_run_actions import FilterTaskRuns, TaskRunHistory

pytestmark = pytest.mark.slow  # a store of a million task runs is made first

LARGE = {"task_run", "t", "log", "event", "event_resource", "flow_run_state", "s", "flow_run", "r"}


class Explaining(SqliteStore):
    """Keeps the plan of every query that it answers."""

    plans: list[str]

    def rows(self, sql, parameters=()):
        if hasattr(self, "plans"):
            self.plans += [row[3] for row in super().rows(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return super().rows(sql, parameters)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[Explaining]:
    made = Explaining(str(tmp_path_factory.mktemp("plans") / "store.db"))
    yield made
    made.close()


@pytest.fixture
def api(store) -> Api:
    backend = backend_on(store)
    store.plans = []
    return Api(backend)


def scans(store: Explaining) -> list[str]:
    """Whole tables that are read, but for walking along an index until the limit is reached."""
    assert store.plans
    return [
        plan
        for plan in store.plans
        if plan.startswith("SCAN") and plan.split()[1] in LARGE and "USING" not in plan
    ]


def sorts(store: Explaining) -> list[str]:
    return [plan for plan in store.plans if "TEMP B-TREE" in plan]


RUN = {"flow_run_id": {"any_": [str(uuid4())]}}
IDS = {"id": {"any_": [str(uuid4())]}}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"task_runs": {"state": {"type": {"any_": ["FAILED"]}}}},
        {"task_runs": RUN},
        {"task_runs": IDS},
        {"flow_runs": IDS},
    ],
)
def test_task_runs_are_listed_along_the_index_of_ids(api, store, asked):
    task_run_lists.read_task_runs(api, FilterTaskRuns.model_validate(asked))
    walks = [plan for plan in scans(store) if plan != "SCAN t"]
    assert walks == []
    if not asked or "state" in asked.get("task_runs", {}):
        assert sorts(store) == [], "the primary key is the order"
    else:
        assert "SCAN t" not in store.plans


@pytest.mark.parametrize("sort", ["EXPECTED_START_TIME_DESC", "NAME_ASC", "END_TIME_DESC", "DURATION_DESC"])
def test_of_one_flow_run_only_its_task_runs_are_sorted(api, store, sort):
    task_run_lists.read_task_runs(api, FilterTaskRuns.model_validate({"task_runs": RUN, "sort": sort}))
    task_run_lists.count_task_runs(api, JointFilter.model_validate({"task_runs": RUN}))
    assert scans(store) == []


def test_the_timeline_of_a_run_reads_its_own_task_runs(api, store):
    run = create_flow_run(api, FlowRunCreate(flow_id=create_flow(api, FlowCreate(name="f")).id))
    store.plans = []
    ui_timeline.read_flow_run_timeline(api, run.id)
    ui_timeline.read_flow_run_lanes(api, run.id)
    assert scans(store) == []


def test_a_state_is_found_by_its_id(api, store):
    with pytest.raises(Exception, match="State not found"):
        task_runs.read_task_run_state(api, uuid4())
    assert scans(store) == []


def test_background_runs_are_found_by_their_task(api, store):
    with store.write() as cx:
        plans = [
            row[3]
            for row in cx.rows(
                "EXPLAIN QUERY PLAN SELECT t.id FROM task_run t WHERE t.state_name = 'Scheduled' AND t.task_key IN (?)"
                " ORDER BY t.id LIMIT 5",
                ("a",),
            )
        ]
    assert any("task_run_waiting" in plan for plan in plans)
    assert task_queue.take(store, ["a"]) is None


@pytest.mark.parametrize(
    "asked",
    [
        {},
        RUN,
        {"level": {"ge_": 30}},
        {"timestamp": {"after_": "2026-01-01T00:00:00Z"}},
        {"text": {"query": "x"}},
    ],
)
@pytest.mark.parametrize("sort", ["TIMESTAMP_ASC", "TIMESTAMP_DESC"])
def test_log_lines_are_read_in_the_order_in_which_they_lie(api, store, asked, sort):
    logs.read_logs(api, FilterLogs.model_validate({"logs": asked, "sort": sort}))
    assert sorts(store) == []
    if asked is RUN:
        assert any("log_by_flow_run" in plan for plan in store.plans)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"event": {"prefix": ["prefect.flow-run."]}},
        {"resource": {"id": [f"prefect.flow-run.{uuid4()}"]}},
        {"any_resource": {"id": ["a.1"]}},
        {"related": {"id": ["a.1"]}},
    ],
)
def test_events_are_read_along_the_indexes_of_time_and_of_resources(api, store, asked):
    events.read_events(api, FilterEvents.model_validate({"filter": asked}))
    assert scans(store) == []


def test_charts_look_at_what_was_made_in_their_time(api, store):
    hour = {"history_start": "2026-01-01T00:00:00Z", "history_end": "2026-01-01T01:00:00Z"}
    body = TaskRunHistory.model_validate({**hour, "history_interval_seconds": 60})
    task_run_lists.read_task_run_history(api, body)
    assert [plan for plan in scans(store) if plan != "SCAN t"] == []  # `t` is what the two searches find
    assert any("SEARCH task_run USING PRIMARY KEY" in plan for plan in store.plans)
    assert any("task_run_with_other_id" in plan for plan in store.plans)


def test_charts_count_runs_with_other_ids_too(api, store):
    moment = 1_800_000_000_000_000
    ids = [id_at(moment, 1), uuid4().bytes]
    rows = [
        TaskRunRecord(id, None, 0, "k", "n", moment, 0, None, None, None, "PENDING", "Pending", moment)
        for id in ids
    ]
    with store.write() as cx:
        records.replace(cx, rows)
    span = {"history_start": "2027-01-15T08:00:00Z", "history_end": "2027-01-15T08:10:00Z"}
    body = TaskRunHistory.model_validate({**span, "history_interval_seconds": 600})
    (found,) = task_run_lists.read_task_run_history(api, body)
    assert [(one.state_name, one.count_runs) for one in found.states] == [("Pending", 2)]
