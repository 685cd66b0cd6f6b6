"""Workers: job configurations, and real workers on a real server with real processes."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from uuid import UUID, uuid4

import pytest

from prefect._base.ids import new_id
from prefect.client.orchestration import get_client
from prefect.model.objects import Flow
from prefect.model.runs import FlowRun
from prefect.model.work_pools import WorkPool
from prefect.variables import Variable
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker
from prefect.workers.utilities import (
    get_available_work_pool_types,
    get_default_base_job_template_for_infrastructure_type,
)

from .working import asked, run_of

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]


class BatchVariables(BaseVariables):
    cpu: int = 2
    image: str = "x:latest"


class BatchJob(BaseJobConfiguration):
    cpu: int = 9


class BatchResult(BaseWorkerResult):
    pass


class BatchWorker(BaseWorker[BatchJob, BatchVariables, BatchResult]):
    type = "batch"
    job_configuration = BatchJob
    job_configuration_variables = BatchVariables

    async def run(self, flow_run, configuration, task_status=None):
        task_status.started(f"job-{configuration.cpu}")
        return BatchResult(identifier="job", status_code=configuration.cpu)


# --- without a server ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "cpu", "kinds"),
    [
        ({}, 2, ["x:latest", "s-2"]),
        ({"cpu": 5, "image": "{{ prefect.variables.image_of_tests }}"}, 5, ["from-variable", "s-5"]),
    ],
    ids=["defaults", "given"],
)
async def test_a_template_is_filled_in_from_values_defaults_and_variables(values, cpu, kinds):
    class Job(BatchJob):
        parts: list[str] = []
        env: dict[str, str | None] = {}

    await Variable.aset("image_of_tests", "from-variable", overwrite=True)
    template = {
        "job_configuration": {
            "cpu": "{{ cpu }}",
            "parts": ["{{ image }}", "s-{{ cpu }}", "{{ nowhere }}"],
            "env": {"A": "{{ $COLOUR_OF_TESTS }}"},
        },
        "variables": BatchVariables.model_json_schema(),
    }
    os.environ["COLOUR_OF_TESTS"] = "red"
    made = await Job.from_template_and_values(template, {**values, "env": {"B": 1, "C": None}})
    assert (made.cpu, made.parts) == (cpu, kinds)
    assert made.env == {"A": "red", "B": "1", "C": None}


def test_a_configuration_is_prepared_for_a_run():
    run = FlowRun(id=UUID(bytes=new_id()), flow_id=uuid4(), name="witty")
    pool = WorkPool(id=uuid4(), name="pool", type="process", default_queue_id=uuid4())
    made = BaseJobConfiguration(env={"A": "1"}, labels={"own": "1"})
    made.prepare_for_flow_run(run, None, Flow(id=run.flow_id, name="etl"), pool, "w")
    assert (made.command, made.name, made.is_using_a_runner) == ("prefect flow-run execute", "witty", True)
    assert made.env["PREFECT__FLOW_RUN_ID"] == str(run.id)
    assert made.env["A"] == "1"
    assert made.labels["prefect.io/flow-run-name"] == "witty"
    assert made.labels["prefect.io/worker-name"] == "w"
    assert made.labels["own"] == "1"


def test_a_given_command_is_kept_and_an_empty_one_is_none():
    assert BaseJobConfiguration(command="").command is None
    made = ProcessJobConfiguration(command="python x.py")
    made.prepare_for_flow_run(FlowRun(id=uuid4(), flow_id=uuid4(), name="a"))
    assert made.command == "python x.py"


async def test_kinds_of_workers_are_known_by_their_type():
    assert BaseWorker.get_worker_class_from_type("process") is ProcessWorker
    assert BaseWorker.get_worker_class_from_type("batch") is BatchWorker
    assert BaseWorker.get_worker_class_from_type("nothing") is None
    assert {"batch", "process"} <= set(await get_available_work_pool_types())
    template = await get_default_base_job_template_for_infrastructure_type("batch")
    assert template is not None
    assert template["job_configuration"]["cpu"] == "{{ cpu }}"
    assert template["variables"]["properties"]["cpu"]["default"] == 2


def test_a_worker_outside_of_its_block_has_no_client():
    worker = BatchWorker("pool", name="My Worker")
    assert worker.get_name_slug() == "my-worker"
    assert worker.get_status()["work_pool"] is None
    with pytest.raises(RuntimeError, match="async with"):
        _ = worker.client
    with pytest.raises(ValueError, match="cannot contain"):
        BatchWorker("pool", name="a/b")


# --- with a server ------------------------------------------------------------------------------------


def test_run_once_executes_what_is_due_and_ends(http, pool, deployed, start, tmp_path):
    job = {"env": {"COLOUR": "red"}}
    run_id = asked(http, deployed(pool, "hello", job_variables=job))
    said, _ = start(pool, "--run-once", "--name", "w1").communicate(timeout=60)
    assert run_of(http, run_id)["state_type"] == "COMPLETED", said
    assert (tmp_path / "ran.txt").read_text() == "1\n"
    assert "printed red w1" in said
    assert run_of(http, run_id)["infrastructure_pid"].rpartition(":")[2].isdigit()
    names = [worker["name"] for worker in http.post(f"/work_pools/{pool}/workers/filter", json={}).json()]
    assert names == ["w1"]


@pytest.mark.slow
def test_a_process_that_dies_leaves_a_crashed_run_with_its_cause(http, pool, deployed, start):
    run_id = asked(http, deployed(pool, "dies"))
    start(pool, "--run-once").communicate(timeout=60)
    state = run_of(http, run_id)["state"]
    assert state["type"] == "CRASHED"
    assert "exit code 3" in state["message"]


@pytest.mark.slow
def test_a_worker_that_stays_takes_runs_at_once_is_cancelled_and_drains(
    http, pool, deployed, start, tmp_path, eventually
):
    worker = start(pool, "--limit", "1", PREFECT_WORKER_QUERY_SECONDS="30")
    workers = f"/work_pools/{pool}/workers/filter"
    eventually(lambda: http.post(workers, json={}).json())
    first = asked(http, deployed(pool, "hello"))  # by news: it polls only every 30 s
    eventually(lambda: run_of(http, first)["state_type"] == "COMPLETED")
    endless = deployed(pool, "endless")
    stopped = asked(http, endless)
    eventually((tmp_path / "begun.txt").exists)
    waiting = asked(http, deployed(pool, "hello"))
    cancelling = {"state": {"type": "CANCELLING"}}
    assert http.post(f"/flow_runs/{stopped}/set_state", json=cancelling).json()["status"] == "ACCEPT"
    eventually(lambda: run_of(http, stopped)["state_type"] == "CANCELLED")
    eventually(lambda: run_of(http, waiting)["state_type"] == "COMPLETED")  # its place is free
    (tmp_path / "begun.txt").unlink()
    left = asked(http, endless)
    eventually((tmp_path / "begun.txt").exists)
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert run_of(http, left)["state_name"] == "HandedOver"


@pytest.mark.slow
def test_a_missing_pool_is_made_only_where_a_type_is_given(http, start):
    name = f"pool-{uuid4()}"
    refused = start(name, "--run-once")
    assert f"got '{name}'" in refused.communicate(timeout=60)[0]
    assert refused.returncode == 1
    start(name, "--run-once", "--type", "process").communicate(timeout=60)
    made = http.get(f"/work_pools/{name}").json()
    assert (made["type"], "variables" in made["base_job_template"]) == ("process", True)


async def test_a_worker_of_another_package_reports_by_its_status_code(api, http, deployed):
    async with get_client() as client:
        async with BatchWorker(f"batch-{uuid4()}", name="b") as worker:
            good, bad = [
                UUID(asked(http, deployed(worker.work_pool.name, "hello", job_variables={"cpu": cpu})))
                for cpu in (0, 7)
            ]
            taken = await worker.get_and_submit_flow_runs()
            assert {run.id for run in taken} == {good, bad}
            assert await worker.get_and_submit_flow_runs() == []
        ended = await client.read_flow_run(bad)
        assert (ended.state_name, ended.infrastructure_pid) == ("Crashed", "job-7")
        assert "status code 7" in (ended.state.message or "")
        assert (await client.read_flow_run(good)).state_name == "InfrastructurePending"


@pytest.mark.slow
def test_health_is_answered(pool, start, eventually):
    from faults.outage import free_port

    port = free_port()
    start(pool, "--with-healthcheck", PREFECT_WORKER_WEBSERVER_PORT=str(port))

    def healthy() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                return json.load(answer) == {"message": "OK"}
        except OSError:
            return False

    eventually(healthy)
