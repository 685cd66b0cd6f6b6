"""How many runs of a deployment are active at once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._storage import flow_runs
from prefect.states import Completed, Pending, Running

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


@pytest.fixture
def deploy(http, backend):
    with backend.store.write() as cx:
        flow_id = str(UUID(bytes=flow_runs.flow_id_of(cx, "etl", now_us())))

    def make(strategy: str, **options) -> str:
        asked = {"name": f"d-{uuid4()}", "flow_id": flow_id, "concurrency_limit": 1}
        asked["concurrency_options"] = {"collision_strategy": strategy, **options}
        return http.post("/deployments/", json=asked).json()["id"]

    return make


@pytest.fixture
def propose(backend):
    """Proposes a state for a run; what became of it, and the run's state."""

    def ask(run_id: str, state) -> tuple[str, str]:
        answer = backend.propose_flow_run_state(UUID(run_id).bytes, state.to_record())
        return answer.status, answer.run.state.name

    return ask


def asked_for(http, deployment: str, count: int) -> list[str]:
    path = f"/deployments/{deployment}/create_flow_run"
    return [http.post(path, json={}).json()["id"] for _ in range(count)]


def taken(http, deployment: str) -> int:
    return http.get(f"/deployments/{deployment}").json()["global_concurrency_limit"]["active_slots"]


def test_the_second_run_waits_until_the_first_has_ended(http, deploy, propose):
    deployment = deploy("ENQUEUE")
    first, second = asked_for(http, deployment, 2)
    assert propose(first, Pending()) == ("ACCEPT", "Pending")
    assert propose(second, Pending()) == ("REJECT", "AwaitingConcurrencySlot")
    assert propose(first, Running()) == ("ACCEPT", "Running")
    assert taken(http, deployment) == 1
    assert propose(second, Pending())[0] == "REJECT"
    assert propose(first, Completed()) == ("ACCEPT", "Completed")
    assert taken(http, deployment) == 0
    assert propose(second, Pending()) == ("ACCEPT", "Pending")


def test_or_is_cancelled(http, deploy, propose):
    first, second = asked_for(http, deploy("CANCEL_NEW"), 2)
    assert propose(first, Pending())[0] == "ACCEPT"
    assert propose(second, Pending()) == ("REJECT", "Cancelled")


def test_a_slot_that_nobody_came_for_is_free_after_the_grace_period(http, deploy, propose):
    deployment = deploy("ENQUEUE", grace_period_seconds=60)
    first, second = asked_for(http, deployment, 2)
    with use_clock(VirtualClock()) as clock:
        propose(first, Pending())
        clock.advance(59)
        assert propose(second, Pending())[0] == "REJECT"
        clock.advance(2)
        assert propose(second, Pending())[0] == "ACCEPT"
        assert propose(first, Running()) == ("REJECT", "Cancelled")


def test_a_run_of_a_deployment_that_is_gone_does_not_start(http, deploy, propose):
    deployment = deploy("ENQUEUE")
    (run,) = asked_for(http, deployment, 1)
    http.delete(f"/deployments/{deployment}")
    assert propose(run, Pending())[0] == "ABORT"
