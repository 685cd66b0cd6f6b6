"""`run_deployment`: in the store of this process and over a server, within flows and outside."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from prefect import flow, tags, task
from prefect._backend.resolve import backend as present_backend
from prefect._base.clock import UTC
from prefect._execute import execute
from prefect.client.orchestration import get_client
from prefect.deployments import arun_deployment, run_deployment
from prefect.exceptions import ObjectNotFound, ParameterTypeError
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Failed, Pending, Running

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}


URLS = {"over-http": "server_url", "plain": "plain_url"}


@pytest.fixture(params=["in-process", *URLS])
def asking(request):
    """A client of what `run_deployment` uses by itself."""
    name = URLS.get(request.param)
    url = f"{request.getfixturevalue(name)}/api" if name else None
    with temporary_settings({PREFECT_API_URL: url}), get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def deployed(asking) -> str:
    flow_name = f"child-{uuid4()}"
    asking.create_deployment(
        asking.create_flow_from_name(flow_name), "d", parameter_openapi_schema=SCHEMA, tags=["of-deployment"]
    )
    return f"{flow_name}/d"


def end(client, run_id: UUID, state=None) -> None:
    """What an executor does, from its first state to its last."""
    for one in (Pending(), Running(), state or Completed()):
        client.set_flow_run_state(run_id, one, force=True)


def test_it_is_asked_for_and_not_waited_for(asking, deployed):
    later = datetime.now(UTC) + timedelta(hours=1)
    with tags("here"):
        run = run_deployment(
            deployed,
            parameters={"n": 3},
            timeout=0,
            scheduled_time=later,
            flow_run_name="named",
            tags=["mine"],
            job_variables={"memory": 5},
        )
    found = asking.read_flow_run(run.id)
    assert (found.name, found.state.name, found.parameters) == ("named", "Scheduled", {"n": 3})
    assert set(found.tags) == {"of-deployment", "mine", "here"}
    assert found.expected_start_time == later
    assert (found.job_variables, found.parent_task_run_id) == ({"memory": 5}, None)


def test_a_deployment_is_named_by_its_name_or_its_id(asking, deployed):
    deployment = asking.read_deployment_by_name(deployed)
    for name in (deployed, deployment.id, str(deployment.id)):
        assert run_deployment(name, timeout=0).deployment_id == deployment.id
    with pytest.raises(ObjectNotFound, match="prefect deployment ls"):
        run_deployment("no/such", timeout=0)
    with pytest.raises(ValueError, match="flow/deployment"):
        run_deployment("no-such", timeout=0)


@pytest.mark.parametrize("state", [Completed(), Failed()], ids=["completed", "failed"])
def test_its_end_is_waited_for(asking, deployed, state):
    run = run_deployment(deployed, timeout=0, idempotency_key="k")
    thread = threading.Timer(0.2, end, (asking, run.id, state))
    thread.start()
    found = run_deployment(deployed, idempotency_key="k")  # as long as it takes: a failure here hangs
    thread.join()
    assert (found.id, found.state.type) == (run.id, state.type)


def test_a_timeout_gives_the_run_as_it_is(deployed):
    assert run_deployment(deployed, timeout=0.1, poll_interval=0.01).state.name == "Scheduled"
    with pytest.raises(ValueError, match="negative"):
        run_deployment(deployed, timeout=-1)


def test_parameters_that_do_not_fit_are_named(deployed):
    with pytest.raises(ParameterTypeError, match=r"field 'n'.*'x' is not of type 'integer'"):
        run_deployment(deployed, parameters={"n": "x"}, timeout=0)


async def test_in_an_event_loop(asking, deployed):
    one = await run_deployment(deployed, timeout=0, idempotency_key="k")
    other = await arun_deployment(deployed, timeout=0, idempotency_key="k")
    assert one.id == other.id
    async with get_client() as client:
        assert (await run_deployment(deployed, client=client, timeout=0)).name


class TestSubflow:
    def test_a_task_run_stands_for_it_in_the_flow(self, asking, deployed):
        @task
        def three():
            return 3

        @flow
        def parent():
            return run_deployment(deployed, parameters={"n": three.submit()}, timeout=0)

        run = parent()
        tracking = asking.read_task_run(run.parent_task_run_id)
        assert run.parameters == {"n": 3}
        assert (tracking.name, tracking.dynamic_key) == (f"{deployed.replace('/', '-')}-0", "0")
        assert tracking.state.name == "Scheduled"
        assert tracking.state.state_details.child_flow_run_id == run.id
        assert len(tracking.task_inputs["n"]) == 1
        end(asking, run.id)
        assert asking.read_task_run(tracking.id).state.name == "Completed"

    async def test_from_an_asynchronous_flow(self, asking, deployed):
        @flow
        async def parent():
            first = await run_deployment(deployed, timeout=0)
            second = await run_deployment(deployed, timeout=0)
            apart = await run_deployment(deployed, timeout=0, as_subflow=False)
            return first, second, apart

        first, second, apart = await parent()
        keys = [asking.read_task_run(run.parent_task_run_id).dynamic_key for run in (first, second)]
        assert keys == ["0", "1"]
        assert apart.parent_task_run_id is None

    @pytest.mark.parametrize("outcome", ["completed", "failed", "waiting"])
    def test_a_resumed_flow_goes_on_with_it_unless_it_came_to_no_good_end(self, asking, deployed, outcome):
        seen = []

        @flow(name=f"parent-{uuid4()}")
        def parent():
            seen.append(run_deployment(deployed, parameters={"n": 1}, timeout=0).id)
            if len(seen) == 1:
                raise ValueError("later")

        first = parent(return_state=True)
        assert first.is_failed()
        if outcome != "waiting":
            end(asking, seen[0], Completed() if outcome == "completed" else Failed())
        record = present_backend().find_flow_runs(flow_names=[parent.name], limit=1)[0]
        execute(record, flow=parent)
        assert (seen[0] == seen[1]) == (outcome != "failed")
