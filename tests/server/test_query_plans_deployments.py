"""What is asked all the time reads by an index, however many runs there are: no store of ours has statistics."""

from __future__ import annotations

import re

import pytest

from prefect._api.filtering.joint import of_deployments
from prefect._storage import clauses, scheduled_runs, work_pools
from prefect._storage import deployments as rows
from prefect._storage.deployments import DEPLOYMENTS
from prefect._storage.sqlite import SqliteStore
from prefect.model.requests.joint import JointFilter

ID = b"0" * 16


class Explaining:
    """Answers every query with nothing, and remembers how SQLite would find the answer."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.steps: list[str] = []

    def rows(self, sql, parameters=()):
        plan = self._store.rows(f"EXPLAIN QUERY PLAN {sql}", parameters)
        self.steps += [step[3] for step in plan]
        return []

    def row(self, sql, parameters=()):
        self.rows(sql, parameters)
        return None


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = SqliteStore(str(tmp_path_factory.mktemp("plans") / "store.db"))
    yield made
    made.close()


def _filter(**asked):
    return of_deployments(JointFilter.model_validate(asked))


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            lambda q: scheduled_runs.of_deployments(q, [ID] * 3, before=5, limit=10),
            "flow_run_by_deployment_due",
        ),
        (lambda q: scheduled_runs.of_queue(q, ID, before=5, limit=10), "flow_run_by_queue_due"),
        (lambda q: scheduled_runs.of_queue(q, ID, before=None, limit=10), "flow_run_by_queue_due"),
        (lambda q: work_pools.occupied(q, [ID, ID]), "flow_run_active_in_queue"),
        (lambda q: work_pools.occupants(q, ID, limit=10), "flow_run_active_in_queue"),
        (lambda q: work_pools.late(q, ID), "flow_run_by_queue_due"),
        (lambda q: rows.due_schedules(q, 5, 100), "deployment_schedule_due"),
        (lambda q: DEPLOYMENTS.find(q, _filter(), order="name, id", limit=200), "deployment_by_name"),
        (lambda q: DEPLOYMENTS.find(q, _filter(), order="created DESC", limit=200), "deployment_by_created"),
        (lambda q: DEPLOYMENTS.find(q, _filter(), order="updated DESC", limit=200), "deployment_by_updated"),
        (
            lambda q: DEPLOYMENTS.find(
                q, _filter(deployments={"name": {"any_": ["a"]}}), order="name, id", limit=200
            ),
            "deployment_by_name",
        ),
        (
            lambda q: DEPLOYMENTS.find(
                q, _filter(work_pools={"name": {"any_": ["p"]}}), order="name, id", limit=200
            ),
            "deployment_by_queue",
        ),
        (lambda q: DEPLOYMENTS.find(q, [clauses.any_of("d.id", [ID])], order="name, id"), "PRIMARY KEY"),
    ],
)
def test_it_reads_by_an_index(store, ask, index):
    asked = Explaining(store)
    ask(asked)
    text = "\n".join(asked.steps)
    assert index in text, text
    scanned = [step for step in asked.steps if re.match(r"SCAN (?!.*USING)", step)]
    assert scanned == [], text


def test_the_foreman_looks_at_those_who_are_ready_only(store):
    for table, index in (("work_queue", "work_queue_ready"), ("deployment", "deployment_ready")):
        plan = store.rows(
            f"EXPLAIN QUERY PLAN UPDATE {table} SET status = 'NOT_READY' WHERE status = 'READY' AND last_polled < ?",
            (5,),
        )
        assert index in str(plan)
