"""What filters find and in which order, on SQLite and on Postgres. Expectations were seen on a Prefect 3.9 server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from databases import Postgres, backend_on
from prefect._api import flow_run_lists, flow_runs, flows, task_run_lists
from prefect._api.api import Api
from prefect._base.ids import new_id
from prefect._storage import task_runs
from prefect._storage.opening import open_store
from prefect.model.records import TaskRunRecord


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The API on a store of each kind, with the runs of `Runs` in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{Path(tmp_path_factory.mktemp('filters')) / 'store.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.fresh()
    backend = backend_on(open_store(url))
    yield Api(backend)
    backend.close()


def ask(api: Api, endpoint: Any, body: Any = None, **arguments: Any) -> Any:
    """What an endpoint answers to JSON."""
    given = {} if body is None else {"body": endpoint.bodies.validate_python(body)}
    return endpoint.function(api, **given, **arguments)


@pytest.fixture(scope="module")
def made(api: Api) -> dict[str, UUID]:
    """Four runs: `Alpha` for 2031 with two tags, `beta` running, `gamma` completed, `delta` of a flow with tags."""
    flow = ask(api, flows.create_flow, {"name": "probe"}).id
    tagged = ask(api, flows.create_flow, {"name": "tagged", "tags": ["x", "y"]}).id
    ask(api, flows.create_flow, {"name": "unused"})

    def run(flow_id: UUID, name: str, **more: Any) -> UUID:
        return ask(api, flow_runs.create_flow_run, {"flow_id": flow_id, "name": name, **more}).id

    def enter(run_id: UUID, *types: str) -> None:
        for one in types:
            answer = ask(api, flow_runs.set_flow_run_state, {"state": {"type": one}}, id=run_id)
            assert answer.status == "ACCEPT"

    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2031-01-01T00:00:00Z"}}
    found = {
        "Alpha": run(flow, "Alpha", tags=["t1", "t2"], state=later, flow_version="7"),
        "beta": run(flow, "beta", tags=["t1"], idempotency_key="k1"),
        "gamma": run(flow, "gamma"),
        "delta": run(tagged, "delta", labels={"team": "a"}),
    }
    enter(found["beta"], "RUNNING")
    enter(found["gamma"], "RUNNING", "COMPLETED")
    task = TaskRunRecord(
        id=new_id(),
        flow_run_id=found["beta"].bytes,
        attempt=1,
        task_key="load-1",
        name="load-1a2",
        created=1,
        flow_run_run_count=1,
        parent_task_run_id=None,
        process_id=None,
        memo=None,
        state_type="RUNNING",
        state_name="Running",
        state_timestamp=2,
        start_time=2,
        detail='{"tags":["slow","\\u00fcber"],"task_inputs":{"x":["01a204ee-c9df-73ef-acc3-c289fc3ed283"]}}',
    )
    with api.store.write() as cx:
        task_runs.upsert(cx, [task])
    return found


def names(api: Api, body: dict[str, Any]) -> list[str]:
    asked = {"sort": "NAME_ASC", **body}
    return sorted(run.name for run in ask(api, flow_run_lists.read_flow_runs, asked))


ALL = ["Alpha", "beta", "delta", "gamma"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ALL),
        # a run that has not started counts as starting when it is expected to
        ({"start_time": {"before_": "2030-01-01T00:00:00Z"}}, ["beta", "delta", "gamma"]),
        ({"start_time": {"after_": "2030-01-01T00:00:00Z"}}, ["Alpha"]),
        ({"start_time": {"is_null_": True}}, ["Alpha", "delta"]),
        ({"start_time": {"is_null_": True, "before_": "2030-01-01T00:00:00Z"}}, ["delta"]),
        ({"start_time": {"is_null_": False}}, ["beta", "gamma"]),
        ({"end_time": {"before_": "2040-01-01T00:00:00Z"}}, ["gamma"]),
        ({"end_time": {"is_null_": True}}, ["Alpha", "beta", "delta"]),
        ({"expected_start_time": {"after_": "2030-01-01T00:00:00Z"}}, ["Alpha"]),
        ({"next_scheduled_start_time": {"before_": "2035-01-01T00:00:00Z"}}, ["Alpha"]),
        ({"tags": {"all_": ["t1"]}}, ["Alpha", "beta"]),
        ({"tags": {"all_": ["t1", "t2"]}}, ["Alpha"]),
        ({"tags": {"all_": []}}, ALL),
        ({"tags": {"any_": ["t2", "zz"]}}, ["Alpha"]),
        ({"tags": {"any_": []}}, []),
        ({"tags": {"operator": "or_", "all_": ["t2"], "is_null_": True}}, ["Alpha", "delta", "gamma"]),
        ({"tags": {"operator": "or_", "all_": ["t1", "t2"]}}, ["Alpha"]),
        ({"tags": {"is_null_": False}}, ["Alpha", "beta"]),
        ({"tags": {}}, ALL),
        ({"idempotency_key": {"any_": ["k1"]}}, ["beta"]),
        ({"idempotency_key": {"not_any_": ["k2"]}}, ["beta"]),
        ({"idempotency_key": {"not_any_": []}}, ALL),
        ({"deployment_id": {"is_null_": True}}, ALL),
        ({"deployment_id": {"is_null_": False}}, []),
        ({"work_queue_name": {"is_null_": True}}, ALL),
        ({"work_queue_name": {"any_": ["default"]}}, []),
        ({"flow_version": {"any_": ["7"]}}, ["Alpha"]),
        ({"state": {"type": {"any_": ["RUNNING"]}}}, ["beta"]),
        ({"state": {"type": {"any_": ["RUNNING", "COMPLETED"]}}}, ["beta", "gamma"]),
        ({"state": {"type": {"any_": []}}}, []),
        ({"state": {"type": {"not_any_": ["RUNNING"]}}}, ["Alpha", "delta", "gamma"]),
        ({"state": {"name": {"any_": ["Scheduled"]}}}, ["Alpha"]),
        ({"state": {"name": {"any_": ["Completed", "Running"]}}}, ["beta", "gamma"]),
        ({"state": {"name": {"not_any_": ["Running"]}}}, ["Alpha", "delta", "gamma"]),
        (
            {"state": {"operator": "or_", "type": {"any_": ["RUNNING"]}, "name": {"any_": ["Completed"]}}},
            ["beta", "gamma"],
        ),
        ({"name": {"like_": "ALPH"}}, ["Alpha"]),
        ({"name": {"like_": "a%a"}}, []),  # text, not a pattern
        ({"name": {"any_": ["alpha"]}}, []),
        ({"name": {"any_": ["beta"], "like_": "gam"}}, []),
        (
            {"operator": "or_", "name": {"any_": ["beta"]}, "tags": {"is_null_": True}},
            ["beta", "delta", "gamma"],
        ),
        (
            {"operator": "or_", "name": {}, "state": {"type": {"any_": ["FAILED"]}}},
            ALL,
        ),  # an empty part is true
        ({"parent_task_run_id": {"is_null_": True}}, ALL),
        ({"parent_flow_run_id": {}}, ALL),
        ({"created_by": {"is_null_": True}}, ALL),
        ({"created_by": {"type_": ["SCHEDULE"]}}, []),
        ({"id": {"any_": []}}, []),
        ({"id": {"not_any_": []}}, ALL),
    ],
    ids=str,
)
def test_a_filter_of_flow_runs(api, made, asked, expected):
    assert names(api, {"flow_runs": asked}) == expected
    assert ask(api, flow_run_lists.count_flow_runs, {"flow_runs": asked}) == len(expected)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"flows": {"name": {"any_": ["tagged"]}}}, ["delta"]),
        ({"flows": {"name": {"like_": "PROB"}}}, ["Alpha", "beta", "gamma"]),
        ({"flows": {"tags": {"all_": ["x", "y"]}}}, ["delta"]),
        ({"flows": {"tags": {"all_": ["x", "zz"]}}}, []),
        ({"flows": {"tags": {"is_null_": True}}}, ["Alpha", "beta", "gamma"]),
        ({"flows": {"deployment": {"is_null_": True}}}, ALL),
        ({"flows": {"deployment": {"is_null_": False}}}, []),
        # a filter that is there asks for something that passes it
        ({"task_runs": {}}, ["beta"]),
        ({"task_runs": {"name": {"like_": "LOAD"}}}, ["beta"]),
        ({"task_runs": {"tags": {"all_": ["slow"]}}}, ["beta"]),
        ({"task_runs": {"tags": {"all_": ["slow", "über"]}}}, ["beta"]),
        ({"task_runs": {"tags": {"all_": ["01a204ee-c9df-73ef-acc3-c289fc3ed283"]}}}, []),
        ({"task_runs": {"tags": {"is_null_": True}}}, []),
        ({"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}, []),
        ({"task_runs": {"subflow_runs": {"exists_": False}}}, ["beta"]),
        ({"deployments": {}}, []),
        ({"deployments": {"flow_or_deployment_name": {"like_": "x"}, "tags": {"any_": ["x"]}}}, []),
        ({"work_pools": {"type": {"any_": ["process"]}}}, []),
        ({"work_pool_queues": {"name": {"startswith_": ["a_", "b"]}}}, []),
        ({"flows": {"name": {"any_": ["probe"]}}, "task_runs": {}}, ["beta"]),
    ],
    ids=str,
)
def test_filters_of_what_belongs_to_flow_runs(api, made, asked, expected):
    assert names(api, asked) == expected


def test_runs_are_found_by_their_ids(api, made):
    assert names(api, {"flow_runs": {"id": {"any_": [made["beta"], made["delta"]]}}}) == ["beta", "delta"]
    assert names(api, {"flow_runs": {"id": {"not_any_": [made["beta"]]}}}) == ["Alpha", "delta", "gamma"]
    assert names(api, {"task_runs": {"flow_run_id": {"any_": [made["beta"]]}}}) == ["beta"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["probe", "tagged", "unused"]),
        ({"flow_runs": {}}, ["probe", "tagged"]),
        ({"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}, ["probe"]),
        ({"task_runs": {}}, ["probe"]),
        ({"flows": {"deployment": {"is_null_": False}}}, []),
        ({"flows": {"tags": {"is_null_": False}}}, ["tagged"]),
        ({"deployments": {}}, []),
        ({"work_pools": {}}, []),
    ],
    ids=str,
)
def test_filters_of_flows(api, made, asked, expected):
    assert [flow.name for flow in ask(api, flows.read_flows, asked)] == expected
    assert ask(api, flows.count_flows, asked) == len(expected)


def test_filters_of_task_runs(api, made):
    for asked in ({"flows": {"name": {"any_": ["probe"]}}}, {"flow_runs": {"name": {"any_": ["beta"]}}}):
        assert [run.name for run in ask(api, task_run_lists.read_task_runs, asked)] == ["load-1a2"]
    assert ask(api, task_run_lists.read_task_runs, {"flows": {"name": {"any_": ["tagged"]}}}) == []


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("ID_DESC", ["delta", "gamma", "beta", "Alpha"]),
        ("START_TIME_ASC", ["delta", "beta", "gamma", "Alpha"]),
        ("START_TIME_DESC", ["Alpha", "gamma", "beta", "delta"]),
        ("EXPECTED_START_TIME_ASC", ["beta", "gamma", "delta", "Alpha"]),
        ("EXPECTED_START_TIME_DESC", ["Alpha", "delta", "gamma", "beta"]),
        ("NEXT_SCHEDULED_START_TIME_ASC", ["beta", "gamma", "delta", "Alpha"]),
        ("END_TIME_DESC", ["gamma", "delta", "beta", "Alpha"]),
    ],
)
def test_runs_are_listed_in_order_and_in_parts(api, made, sort, expected):
    def listed(**page: int) -> list[str]:
        return [run.name for run in ask(api, flow_run_lists.read_flow_runs, {"sort": sort, **page})]

    assert listed() == expected
    assert listed(limit=0) == []
    for size in (1, 3):
        parts = [listed(limit=size, offset=start) for start in range(0, 6, size)]
        assert [name for part in parts for name in part] == expected


@pytest.mark.parametrize("sort", ["ID_DESC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "NAME_ASC"])
def test_a_list_goes_on_after_a_run(api, made, sort):
    whole = ask(api, flow_run_lists.read_flow_runs, {"sort": sort})
    last = None
    for expected in whole:
        body = {"sort": sort, "limit": 1} | ({"after": last} if last else {})
        (run,) = ask(api, flow_run_lists.read_flow_runs, body)
        assert run.id == expected.id
        last = run.id
    assert ask(api, flow_run_lists.read_flow_runs, {"sort": sort, "after": last}) == []


def test_a_history_counts_runs_by_interval_and_state(api, made):
    asked = {
        "history_start": "2030-12-31T23:00:00Z",
        "history_end": "2031-01-01T01:30:00Z",
        "history_interval_seconds": 3600,
    }
    parts = ask(api, flow_run_lists.flow_run_history, asked)
    assert [[(one.state_name, one.count_runs) for one in part.states] for part in parts] == [
        [],
        [("Scheduled", 1)],
        [],
    ]
    late = ask(api, flow_run_lists.average_flow_run_lateness, {"flow_runs": {"name": {"any_": ["Alpha"]}}})
    assert late == 0
    assert ask(api, flow_run_lists.average_flow_run_lateness, {"flow_runs": {"id": {"any_": []}}}) is None
