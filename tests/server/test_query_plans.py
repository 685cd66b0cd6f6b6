"""No list walks over a table to find or to sort what it shows: 100,000 flow runs, 1,000,000 task runs.

What may be walked is the order that is asked for, from its start, until the page is full. That is also what becomes of
filters that nothing is indexed by (a part of a name, the version of a flow): the plan has no sorting of all rows then.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from prefect._api.filtering import joint
from prefect._storage import run_lists, run_search
from prefect._storage.clauses import where
from prefect._storage.flows import FLOWS
from prefect._storage.run_lists import ORDERS
from prefect.model.requests.joint import JointFilter
from server.crowd import crowded

pytestmark = pytest.mark.slow  # a store of a million task runs is made first

ID = "01a204ee-c9df-73ef-acc3-c289fc3ed283"
TIME = "2025-10-10T00:00:00Z"

# each finds few runs, by an index of its own
FEW = {
    "id": {"any_": [ID]},
    "name": {"any_": ["brave-000007"]},
    "tags": {"all_": ["rare"]},
    "state": {"type": {"any_": ["FAILED", "CRASHED"]}},
    "deployment_id": {"any_": [ID]},
    "parent_flow_run_id": {"any_": [ID]},
    "parent_task_run_id": {"any_": [ID]},
    "idempotency_key": {"any_": ["key-50"]},
    "work_queue_name": {"any_": ["default"]},
}
MORE_FEW = [
    {"state": {"type": {"not_any_": ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"]}}},
    {"state": {"name": {"any_": ["Late"]}}},
    {"tags": {"any_": ["rare", "other"]}},
]
# each is met by most runs, or has no index: the order is walked
MANY = [
    {},
    {"id": {"not_any_": [ID]}},
    {"name": {"like_": "brave"}},
    {"state": {"type": {"any_": ["COMPLETED"]}}},
    {"state": {"name": {"any_": ["Completed", "Failed"]}}},
    {"flow_version": {"any_": ["1"]}},
    {"created_by": {"is_null_": True}},
    {"parent_task_run_id": {"is_null_": True}},
    {"tags": {"is_null_": True}},
]
RANGES = {
    "start_time": "START_TIME_DESC",
    "expected_start_time": "EXPECTED_START_TIME_ASC",
    "end_time": "END_TIME_DESC",
    "next_scheduled_start_time": "NEXT_SCHEDULED_START_TIME_ASC",
}


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """The store with many runs."""
    path = tmp_path_factory.mktemp("crowd") / "store.db"
    crowded(path)
    with closing(sqlite3.connect(path)) as cx:
        yield cx


def plan(cx: sqlite3.Connection, sql: str, values: tuple) -> list[str]:
    return [row[3] for row in cx.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def plans_of_runs(cx: sqlite3.Connection, asked: dict, sort: str) -> list[list[str]]:
    """The plans of what finds the ids: one, or two where an order has two parts."""
    conditions = joint.of_flow_runs(JointFilter.model_validate(asked))
    order = ORDERS[sort]
    parts = [([], order.sql)]
    if order.unset is not None:
        parts = [([part], sql) for part, sql in run_lists.parts(order)]
    found = []
    for more, sql in parts:
        query, values = run_lists.ids_query([*conditions, *more], sql)
        found.append(plan(cx, query, (*values, 200, 0)))
    return found


def walks(steps: list[str]) -> bool:
    """Whether the runs are walked over, in the order of an index or of the table itself."""
    return any(re.match(r"SCAN r\b", step) for step in steps)


def sorts(steps: list[str]) -> bool:
    return any("TEMP B-TREE" in step for step in steps)


def scans_elsewhere(steps: list[str]) -> list[str]:
    """Walks over other tables than the runs; `json_each` and what a sub-select has found are no tables."""
    return [
        step
        for step in steps
        if step.startswith("SCAN ") and not re.match(r"SCAN (r\b|json_each|\(subquery)", step)
    ]


@pytest.mark.parametrize("sort", sorted(ORDERS))
def test_each_order_of_runs_is_read_from_an_index(crowd, sort):
    for steps in plans_of_runs(crowd, {}, sort):
        if not any("flow_run_by_state" in step for step in steps):  # those that have not ended are few
            assert not sorts(steps), steps
        assert not scans_elsewhere(steps), steps


@pytest.mark.parametrize("asked", [*({name: part} for name, part in FEW.items()), *MORE_FEW], ids=str)
@pytest.mark.parametrize("sort", ["ID_DESC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC"])
def test_what_finds_few_runs_is_found_by_an_index(crowd, asked, sort):
    (steps,) = plans_of_runs(crowd, {"flow_runs": asked}, sort)
    assert not walks(steps), steps
    assert not scans_elsewhere(steps), steps


@pytest.mark.parametrize("asked", MANY, ids=str)
@pytest.mark.parametrize("sort", ["ID_DESC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "NAME_ASC"])
def test_what_finds_many_runs_walks_along_the_order(crowd, asked, sort):
    (steps,) = plans_of_runs(crowd, {"flow_runs": asked}, sort)
    assert walks(steps), steps
    assert not sorts(steps), steps


@pytest.mark.parametrize(("name", "sort"), RANGES.items())
def test_a_range_of_time_is_read_from_its_index(crowd, name, sort):
    asked = {"flow_runs": {name: {"after_": TIME, "before_": TIME}}}
    plans = plans_of_runs(crowd, asked, sort)
    assert any("SEARCH r USING" in step for steps in plans for step in steps), plans
    assert not any(sorts(steps) for steps in plans if "flow_run_by_state" not in str(steps)), plans


@pytest.mark.parametrize(
    "asked",
    [
        {"flows": {"name": {"any_": ["flow-007"]}}},
        {"flows": {"id": {"any_": [ID]}}},
        {"deployments": {"id": {"any_": [ID]}}},
        {"deployments": {"name": {"any_": ["nightly"]}}},
        {"work_pools": {"name": {"any_": ["pool"]}}},
        {"work_pool_queues": {"name": {"any_": ["queue"]}}},
        {"task_runs": {"id": {"any_": [ID]}}},
        {"task_runs": {"flow_run_id": {"any_": [ID]}}},
    ],
    ids=str,
)
def test_runs_are_found_by_what_they_belong_to(crowd, asked):
    (steps,) = plans_of_runs(crowd, asked, "ID_DESC")
    assert not walks(steps), steps
    assert not scans_elsewhere(steps), steps


def test_the_task_runs_of_each_run_are_found_by_an_index(crowd):
    (steps,) = plans_of_runs(crowd, {"task_runs": {"name": {"like_": "task-3"}}}, "ID_DESC")
    assert any("SEARCH t USING INDEX task_run_by_flow_run" in step for step in steps), steps


def test_a_list_goes_on_behind_a_run_without_walking_up_to_it(crowd):
    class Source:
        def row(self, sql, values):
            return crowd.execute(sql, values).fetchone()

    (run_id,) = crowd.execute("SELECT id FROM flow_run ORDER BY id DESC LIMIT 1 OFFSET 90000").fetchone()
    for sort, order in ORDERS.items():
        if order.unset is None:
            query, values = run_lists.ids_query([run_lists.behind(Source(), run_id, order)], order.sql)
            steps = plan(crowd, query, (*values, 200, 0))
            assert any("SEARCH r USING" in step for step in steps), (sort, steps)
            assert not sorts(steps), (sort, steps)


def test_flows_are_found_by_their_runs(crowd):
    asked = JointFilter.model_validate({"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}})
    clause, values = where(joint.of_flows(asked))
    steps = plan(crowd, f"SELECT id FROM {FLOWS.name} f{clause} ORDER BY f.name LIMIT 200", values)
    assert any("SEARCH r USING" in step for step in steps), steps
    assert not sorts(steps), steps


def test_the_states_of_a_run_are_found_by_their_key(crowd):
    steps = plan(crowd, "SELECT id FROM flow_run_state WHERE flow_run_id = ? ORDER BY timestamp, id", (b"",))
    assert steps == ["SEARCH flow_run_state USING PRIMARY KEY (flow_run_id=?)"]


def test_a_chart_of_runs_is_read_along_the_index_of_starts(crowd):
    steps = plan(crowd, run_search.points_query([])[0], (1000,))
    assert any("flow_run_by_start" in step for step in steps), steps
    assert not sorts(steps), steps
