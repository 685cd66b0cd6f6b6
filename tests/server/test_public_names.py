"""What the public names do that no other test has at hand: triggers, automations, secrets, workers, runners, flows."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel, ValidationError

from prefect import flow, task
from prefect.automations import Automation
from prefect.blocks.fields import SecretDict
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.events import (
    CallWebhook,
    CancelFlowRun,
    ChangeFlowRunState,
    CompoundTrigger,
    DeleteFlowRun,
    DeploymentCompoundTrigger,
    DeploymentEventTrigger,
    DeploymentSequenceTrigger,
    DoNothing,
    Event,
    EventTrigger,
    PauseAutomation,
    PauseDeployment,
    PauseWorkPool,
    PauseWorkQueue,
    Posture,
    ReceivedEvent,
    RelatedResource,
    Resource,
    ResourceSpecification,
    ResumeAutomation,
    ResumeDeployment,
    ResumeWorkPool,
    ResumeWorkQueue,
    RunDeployment,
    SendNotification,
    SequenceTrigger,
    SuspendFlowRun,
)
from prefect.events.actions import ResumeFlowRun
from prefect.exceptions import MissingFlowError
from prefect.flow_runs import aresume_flow_run
from prefect.flows import aserve, load_flow_from_flow_run
from prefect.input import RunInput
from prefect.runner import Runner
from prefect.runner.storage import LocalStorage
from prefect.task_worker import StopTaskWorker, TaskWorker
from prefect.types.entrypoint import EntrypointType
from prefect.workers.base import BaseWorker, BaseWorkerResult
from prefect.workers.process import ProcessJobConfiguration, ProcessVariables, ProcessWorker

SCRIPT = """
from prefect import flow

@flow
def doubles(x: int = 1):
    return 2 * x

@flow
async def stays_suspended():
    from prefect.flow_runs import asuspend_flow_run
    await asuspend_flow_run(timeout=60)
"""


@flow(name="named")
def named(x: int = 1):
    return x


@task
def noted(path: str, word: str):
    with open(path, "a", encoding="utf-8") as notes:
        notes.write(word)


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A folder with a script of flows; this process is in it."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "public_names_script.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def deployed(**options: Any) -> UUID:
    made = RunnerDeployment.from_entrypoint("public_names_script.py:doubles", "d", **options)
    return made.apply()


# --- triggers ------------------------------------------------------------------------------------------


def test_triggers_say_what_they_wait_for():
    event = EventTrigger(expect={"order.placed"}, match={"prefect.resource.id": "shop.*"}, threshold=3)
    quiet = EventTrigger(posture=Posture.Proactive, expect={"pulse"}, within=timedelta(seconds=30))
    assert event.describe_for_cli() == "Reactive: expecting 3 of 'order.placed'"
    assert quiet.describe_for_cli(1) == "  Proactive: expecting 1 of 'pulse' within 0:00:30"
    both = CompoundTrigger(require="all", triggers=[event, SequenceTrigger(triggers=[quiet])])
    assert both.describe_for_cli().splitlines() == [
        "All of:",
        "  Reactive: expecting 3 of 'order.placed'",
        "  In this order:",
        "    Proactive: expecting 1 of 'pulse' within 0:00:30",
    ]
    assert SequenceTrigger(triggers=[event]).describe_for_cli().startswith("In this order:")
    assert event == EventTrigger(**event.model_dump(exclude={"id"}))


@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (EventTrigger, {"expects": {"a"}}),
        (EventTrigger, {"posture": "Proactive", "within": 1}),
        (EventTrigger, {"posture": Posture.Metric}),
        (CompoundTrigger, {"require": 2, "triggers": [EventTrigger()]}),
        (RunDeployment, {}),
        (RunDeployment, {"source": "inferred", "deployment_id": uuid4()}),
        (PauseWorkPool, {}),
        (ChangeFlowRunState, {"state": "DONE"}),
        (SendNotification, {"block_document_id": uuid4()}),
    ],
    ids=[
        "misspelled",
        "soon",
        "metric",
        "too-many",
        "no-id",
        "two-targets",
        "no-pool",
        "no-state",
        "no-body",
    ],
)
def test_what_cannot_be_waited_for_or_done_is_refused(make, fields):
    with pytest.raises(ValidationError):
        make(**fields)


def test_a_specification_of_resources_is_read_like_a_mapping():
    runs = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"})
    assert runs.matches_every_resource_of_kind("prefect.flow-run")
    assert not runs.matches_every_resource_of_kind("prefect.flow")
    assert not runs.matches_every_resource()
    run = Resource({"prefect.resource.id": f"prefect.flow-run.{UUID(int=1)}"})
    assert runs.includes([run])
    assert runs.matches(run)
    assert run.prefect_object_id("prefect.flow-run") == UUID(int=1)
    other = runs.deepcopy()
    assert (other.pop("prefect.resource.id"), other.get("x", "y"), len(other), len(runs)) == (
        ["prefect.flow-run.*"],
        ["y"],
        0,
        1,
    )
    assert runs.items() == [("prefect.resource.id", ["prefect.flow-run.*"])]


def test_an_event_knows_its_resources():
    event = ReceivedEvent(
        event="x",
        resource=Resource({"prefect.resource.id": "one", "colour": "red"}),
        related=[RelatedResource({"prefect.resource.id": "two", "prefect.resource.role": "flow", "n": "1"})],
    )
    assert isinstance(event, Event)
    assert [one.id for one in event.involved_resources] == ["one", "two"]
    assert event.resource_in_role["flow"].id == event.resources_in_role["flow"][0].id == "two"
    assert (event.find_resource_label("colour"), event.find_resource_label("flow:n")) == ("red", "1")
    assert event.size_bytes == len(event.model_dump_json().encode())
    assert event.received.tzinfo is not None


def test_triggers_of_a_deployment_become_automations_that_run_it(script, caplog):
    """And nobody is left to believe that they fire."""
    event = DeploymentEventTrigger(
        name="mine", expect={"a"}, match={"x": "y"}, parameters={"x": 3}, schedule_after=timedelta(seconds=5)
    )
    inner = [EventTrigger(expect={"b"})]
    triggers = [
        event,
        DeploymentCompoundTrigger(require="any", triggers=inner),
        DeploymentSequenceTrigger(triggers=inner, enabled=False),
        {"expect": ["c"]},
        EventTrigger(expect={"d"}),
    ]
    with caplog.at_level(logging.WARNING, "prefect.automations"):
        deployment_id = deployed(triggers=triggers)
    assert "does not evaluate automations" in caplog.text
    with get_client(sync_client=True) as client:
        kept = {
            one.name: one
            for one in client.read_resource_related_automations(f"prefect.deployment.{deployment_id}")
        }
        assert sorted(kept) == sorted(["mine", *(f"d__automation_{number}" for number in (2, 3, 4, 5))])
        (action,) = kept["mine"].actions
        assert (action.deployment_id, action.parameters, action.schedule_after.seconds) == (
            deployment_id,
            {"x": 3},
            5,
        )
        assert kept["mine"].trigger.expect == {"a"}
        assert kept["d__automation_2"].trigger.require == "any"
        assert not kept["d__automation_3"].enabled
        assert kept["d__automation_5"].trigger == EventTrigger(expect={"d"})
        deployed(triggers=[event])
        owned = client.read_resource_related_automations(f"prefect.deployment.{deployment_id}")
        assert [one.name for one in owned] == ["mine"]
    with pytest.raises(ValueError, match="set_deployment_id"):
        DeploymentEventTrigger().as_automation()
    with pytest.raises(ValidationError):
        named.to_deployment("d", triggers=[{"type": "bogus"}])


# --- automations ---------------------------------------------------------------------------------------


def every_action() -> list[Any]:
    """One of each kind."""
    block = uuid4()
    selecting = [PauseDeployment, ResumeDeployment, PauseWorkPool, ResumeWorkPool, PauseWorkQueue]
    selecting += [ResumeWorkQueue, PauseAutomation, ResumeAutomation, RunDeployment]
    plain = [DoNothing, CancelFlowRun, DeleteFlowRun, SuspendFlowRun, ResumeFlowRun]
    return [
        *(one(source="inferred") for one in selecting),
        *(one() for one in plain),
        ChangeFlowRunState(state="FAILED", name="Gave up", message="m", force=True),
        CallWebhook(block_document_id=block, payload="p"),
        SendNotification(block_document_id=block, body="b"),
    ]


def test_an_automation_is_created_read_changed_and_removed(backend):
    made = Automation(
        name="nightly", trigger=EventTrigger(expect={"a"}), actions=every_action(), tags=["t"]
    ).create()
    read = Automation.read(id=made.id)
    assert read == made
    assert [one.type for one in read.actions] == [one.type for one in every_action()]
    assert read.actions[-1].describe_for_cli() == "Send notification"
    assert made.disable()
    assert not Automation.read(name="nightly").enabled
    assert made.enable()
    assert Automation.read(name="nightly").enabled
    made.description = "changed"
    made.update()
    assert Automation.read(name="nightly").description == "changed"
    assert (made.delete(), made.delete(), made.disable()) == (True, False, False)
    with pytest.raises(ValueError, match="not found"):
        Automation.read(name="nightly")
    with pytest.raises(ValueError, match="one of id and name"):
        Automation.read()
    with pytest.raises(ValueError, match="create it first"):
        Automation(name="n", trigger=EventTrigger(), actions=[]).update()


def test_the_same_awaited(backend):
    async def story():
        made = await Automation(name="a", trigger=EventTrigger(), actions=[DoNothing()]).acreate()
        await made.adisable()
        off = (await Automation.aread(id=made.id)).enabled
        await made.aenable()
        made.name = "b"
        await made.aupdate()
        on = (await Automation.aread(name="b")).enabled
        return off, on, await made.adelete()

    assert asyncio.run(story()) == (False, True, True)


# --- secrets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "got"),
    [("word", "word"), ({"a": [1]}, {"a": [1]}), ("[1, 2]", [1, 2]), (3, 3)],
    ids=["text", "dict", "json", "number"],
)
def test_a_secret_is_kept_and_never_shown(backend, given, got):
    secret = Secret(value=given)
    assert secret.get() == got
    assert "word" not in repr(secret)
    secret.save("kept", overwrite=True)
    assert Secret.load("kept").get() == got
    with get_client(sync_client=True) as client:
        shown = client.read_block_document_by_name("kept", "secret", include_secrets=False)
        assert "word" not in json.dumps(shown.data)
        assert set(str(shown.data["value"])) <= set("*{}': a[],")
    assert Secret[int](value=3).get_block_type_slug() == "secret"


def test_a_dict_of_secrets_hides_its_values():
    headers = SecretDict({"token": "word"})
    assert "word" not in repr(headers)
    assert headers.get_secret_value() == {"token": "word"}


# --- flows ---------------------------------------------------------------------------------------------


def test_the_flow_of_a_run_is_loaded_as_its_deployment_says(script, monkeypatch, tmp_path):
    deployment_id = deployed()

    async def story(run_of, **options):
        async with get_client() as client:
            if run_of is None:
                run = await client.create_flow_run(named)
            else:
                run = await client.create_flow_run_from_deployment(run_of)
            return await load_flow_from_flow_run(client, run, **options)

    monkeypatch.chdir(tmp_path)
    assert asyncio.run(story(deployment_id)).name == "doubles"
    assert os.getcwd() == str(script)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingFlowError, match="public_names_script"):
        asyncio.run(story(deployment_id, ignore_storage=True))
    with pytest.raises(MissingFlowError, match="of none"):
        asyncio.run(story(None))


def test_what_a_flow_says_of_itself(script):
    class Holder:
        @flow
        def method(self):
            return 1

        @classmethod
        @flow
        def of_class(cls):
            return 2

    assert Holder().method() == 1
    assert (named.ismethod, named.isclassmethod, named.isstaticmethod) == (False, False, False)
    assert named.serialize_parameters({"x": datetime(2020, 1, 1, tzinfo=timezone.utc)})["x"].startswith(
        "2020"
    )
    made = asyncio.run(named.ato_deployment("d", tags=["t"]))
    assert (made.full_name, made.tags, made.entrypoint_type) == (
        "named/d",
        ["t"],
        EntrypointType.FILE_PATH,
    )


def test_deployments_are_made_and_applied_in_every_way(script):
    storage = LocalStorage(str(script))
    entrypoint = "public_names_script.py:doubles"
    stored = RunnerDeployment.from_storage(storage, entrypoint, "stored")
    awaited = asyncio.run(RunnerDeployment.afrom_storage(storage, entrypoint, "awaited"))
    assert (stored.flow_name, awaited.entrypoint) == ("doubles", entrypoint)
    of_code = RunnerDeployment.from_flow(named, "of-code", parameters={"x": 2})
    deployment_id = asyncio.run(of_code.aapply())
    with get_client(sync_client=True) as client:
        assert client.read_deployment(deployment_id).parameters == {"x": 2}


# --- workers -------------------------------------------------------------------------------------------


class Elsewhere(BaseWorker[ProcessJobConfiguration, ProcessVariables, BaseWorkerResult]):
    type = "public-names"
    job_configuration = ProcessJobConfiguration
    job_configuration_variables = ProcessVariables
    _documentation_url: ClassVar[str] = "https://docs"
    _logo_url: ClassVar[str] = "https://logo"
    _description: ClassVar[str] = "Elsewhere."

    async def run(self, flow_run, configuration, task_status=None):
        raise RuntimeError("Nothing is executed here.")


def test_what_a_class_of_workers_says_of_itself(backend):
    assert "public-names" in BaseWorker.get_all_available_worker_types()
    assert BaseWorker.get_worker_class_from_type("public-names") is Elsewhere
    said = Elsewhere.get_documentation_url(), Elsewhere.get_logo_url(), Elsewhere.get_description()
    assert said == ("https://docs", "https://logo", "Elsewhere.")
    template = Elsewhere.get_default_base_job_template()
    assert template["job_configuration"] == ProcessJobConfiguration.json_template()
    assert set(template["variables"]["properties"]) == set(ProcessVariables.model_fields)
    worker = Elsewhere("pool", limit=2)
    nothing = worker.cleanup_handler_registry, worker.handled_cleanup_kinds, worker.max_cleanup_concurrency
    assert nothing == ({}, (), 0)
    with pytest.raises(RuntimeError, match="async with"):
        _ = worker.limiter


def test_a_worker_is_set_up_and_torn_down(backend):
    async def story():
        worker = Elsewhere("pool", limit=2)
        await worker.setup()
        try:
            await worker.sync_with_backend()
            assert worker.limiter.total_tokens == 2
            assert worker.is_worker_still_polling(10)
            run = await worker.client.create_flow_run(named)
            worker.get_flow_run_logger(run).info("said by the worker")
            configuration = await ProcessJobConfiguration.resolve_for_flow_run(
                run, client=worker.client, work_pool=worker.work_pool, worker_name=worker.name
            )
            assert configuration.env["PREFECT__FLOW_RUN_ID"] == str(run.id)
            with pytest.raises(NotImplementedError, match="does not support"):
                await worker.kill_infrastructure("x", configuration)
            with pytest.raises(NotImplementedError, match="deploy"):
                await worker.submit(named)
        finally:
            await worker.teardown()
        assert worker.is_setup is False

    asyncio.run(story())


def test_a_process_worker_executes_a_flow_that_is_not_deployed(script):
    from prefect._loading import load_flow  # what is in the script of this test

    doubles = load_flow("public_names_script.py:doubles")

    async def story():
        async with ProcessWorker("pool", limit=1) as worker:
            futures = [await worker.submit(doubles, {"x": x}, {"env": {"A": "b"}}) for x in (4, 5)]
        with get_client(sync_client=True) as client:
            return [client.read_flow_run(one.flow_run_id) for one in futures]

    runs = asyncio.run(story())
    assert [(one.state_name, one.parameters, one.job_variables) for one in runs] == [
        ("Completed", {"x": x}, {"env": {"A": "b"}}) for x in (4, 5)
    ]

    async def refused():
        async with ProcessWorker("pool") as worker:
            with pytest.raises(ValueError, match="top level of a file"):
                await worker.submit(flow(lambda: 1, name="nowhere"))

    asyncio.run(refused())


# --- runners, task workers, inputs ---------------------------------------------------------------------


def test_a_runner_takes_flows_and_deployments(script):
    async def story():
        runner = Runner(name="r", limit=1, pause_on_shutdown=False)
        first = await runner.aadd_flow(named, "one")
        second = await runner.aadd_deployment(await named.ato_deployment("two"))
        assert first != second
        async with runner:
            assert runner.has_slots_available()
            assert runner.execute_in_background(max, 1, 2).result(10) == 2
            running = asyncio.ensure_future(runner.start())
            while not runner.last_polled:
                await asyncio.sleep(0.01)
            await runner.astop()
            await running

    asyncio.run(story())


def test_flows_are_served_until_that_is_cancelled(script):
    async def story():
        serving = asyncio.ensure_future(aserve(named, name="served", print_starting_message=False))
        async with get_client() as client:
            found = None
            while found is None:
                assert not serving.done()
                await asyncio.sleep(0.02)
                every = await client.read_deployments()
                found = next((one for one in every if one.name == "served"), None)
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving
            return found.name

    assert asyncio.run(story()) == "served"


def test_a_suspended_run_holds_no_process_and_goes_on(script):
    made = RunnerDeployment.from_entrypoint("public_names_script.py:stays_suspended", "d")

    async def executed() -> None:
        runner = Runner(name="r", pause_on_shutdown=False)
        await runner.aadd_deployment(made)
        async with runner:
            await runner.start(run_once=True)

    async def story():
        deployment_id = await made.aapply()
        async with get_client() as client:
            run = await client.create_flow_run_from_deployment(deployment_id)
            await executed()
            suspended = (await client.read_flow_run(run.id)).state_name
            await aresume_flow_run(run.id)
            await executed()
            return suspended, (await client.read_flow_run(run.id)).state_name

    assert asyncio.run(story()) == ("Suspended", "Completed")


def test_a_task_worker_is_started_stopped_and_given_a_run(backend, tmp_path):
    notes = str(tmp_path / "notes")

    async def story():
        worker = TaskWorker(noted, limit=2)
        assert worker.started_at is None
        future = noted.delay(notes, "a")
        async with get_client() as client:
            run = await client.read_task_run(future.task_run_id)
        async with worker:
            await worker.execute_task_run(run)
        noted.delay(notes, "b")
        again = TaskWorker(noted)
        working = asyncio.ensure_future(again.astart(timeout=30))
        while not (tmp_path / "notes").read_text(encoding="utf-8").endswith("b"):
            await asyncio.sleep(0.01)
        assert again.started_at is not None
        await again.astop()
        await working
        assert not again.started

    asyncio.run(story())
    assert (tmp_path / "notes").read_text(encoding="utf-8") == "ab"
    assert issubclass(StopTaskWorker, Exception)


def test_a_model_becomes_an_input():
    class Answer(BaseModel):
        yes: bool

    kind = RunInput.subclass_from_base_model_type(Answer)
    assert issubclass(kind, RunInput)
    assert issubclass(kind, Answer)
    assert kind(yes=True).yes is True
