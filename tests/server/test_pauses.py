"""Flow runs that wait for people: pause, suspend, resume, and what they are told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from prefect import (
    apause_flow_run,
    aresume_flow_run,
    flow,
    get_client,
    pause_flow_run,
    resume_flow_run,
    suspend_flow_run,
    task,
)
from prefect._backend.resolve import backend as own_backend
from prefect._engine.run import resume, run_flow_call
from prefect.client.schemas.objects import State
from prefect.exceptions import (
    FlowPauseTimeout,
    FlowRunWaitTimeout,
    NotPausedError,
    ObjectNotFound,
    Pause,
)
from prefect.flow_runs import wait_for_flow_run
from prefect.input import (
    RunInput,
    create_flow_run_input,
    delete_flow_run_input,
    filter_flow_run_input,
    keyset_from_paused_state,
    read_flow_run_input,
    receive_input,
    send_input,
)
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Scheduled

STORES = ["sqlite", "postgres"]


@pytest.fixture(params=["embedded", "server", "plain"])
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    """Flows run on the embedded store, then on a server, then on one that speaks the public API only."""
    if request.param == "embedded":
        yield "embedded"
        return
    with temporary_settings({PREFECT_API_URL: f"{request.getfixturevalue(f'{request.param}_url')}/api"}):
        yield request.param


def look(where: str) -> float:
    """In seconds: ours tells at once that a run goes on; what does not, is asked."""
    return 0.2 if where == "plain" else 10.0


class Approval(RunInput):
    reason: str
    amount: int = 3


@contextmanager
def when_paused(act: Callable[[UUID], Any]) -> Iterator[Callable[[], None]]:
    """Does something, in a thread, with the run that pauses in the block; `here()` says which it is."""
    import contextvars

    known, ids, failed = threading.Event(), [], []

    def here() -> None:
        ids.append(UUID(flow_run.id))
        known.set()

    def watch() -> None:
        assert known.wait(20)
        try:
            with get_client(sync_client=True) as client:
                while not client.read_flow_run(ids[0]).state.is_paused():
                    pass
            act(ids[0])
        except BaseException as exc:
            failed.append(exc)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(watch,))
    thread.start()
    yield here
    thread.join(20)
    assert not failed, failed


def states_of(run_id: UUID) -> list[str]:
    with get_client(sync_client=True) as client:
        return [state.name for state in client.read_flow_run_states(run_id)]


def test_a_paused_run_goes_on_when_it_is_resumed(where):
    with when_paused(resume_flow_run) as here:

        @flow
        def approve():
            here()
            pause_flow_run(timeout=20, poll_interval=look(where))
            return flow_run.id

        run_id = approve()
    assert states_of(UUID(run_id)) == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_an_input_is_typed_and_what_does_not_fit_is_refused(where):
    def answer(run_id: UUID) -> None:
        with get_client(sync_client=True) as client:
            keys = keyset_from_paused_state(client.read_flow_run(run_id).state)
        assert read_flow_run_input(keys["schema"], run_id)["properties"]["reason"]["default"] == "none"
        assert read_flow_run_input(keys["description"], run_id) == "Please *approve*"
        with pytest.raises(RuntimeError, match="'many' is not of type 'integer'"):
            resume_flow_run(run_id, {"amount": "many"})
        resume_flow_run(run_id, {"reason": "because", "amount": 5})

    with when_paused(answer) as here:

        @flow
        def approve():
            here()
            wanted = Approval.with_initial_data(description="Please *approve*", reason="none")
            return pause_flow_run(wait_for_input=wanted, timeout=20, poll_interval=look(where))

        given = approve()
    assert isinstance(given, Approval)
    assert (given.reason, given.amount) == ("because", 5)


class Plain(BaseModel):
    x: int


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [(int, {"value": 42}, 42), (list[str], {"value": ["a"]}, ["a"]), (Plain, {"x": 1}, Plain(x=1))],
    ids=["int", "list", "model"],
)
def test_plain_types_and_models_are_inputs_too(kind, given, expected):
    with when_paused(lambda run_id: resume_flow_run(run_id, given)) as here:

        @flow
        def ask():
            here()
            return pause_flow_run(wait_for_input=kind, timeout=20)

        answer = ask()
    assert (answer.model_dump() if kind is Plain else answer) == (
        expected.model_dump() if kind is Plain else expected
    )


@pytest.mark.behaviour(13)
def test_asynchronous_flows_await_it_in_both_forms(where):
    async def act(run_id: UUID) -> None:
        await aresume_flow_run(run_id, {"value": 1})

    with when_paused(lambda run_id: asyncio.run(act(run_id))) as here:

        @flow
        async def ask():
            here()
            return await pause_flow_run(wait_for_input=int, timeout=20, poll_interval=look(where))

        assert asyncio.run(ask()) == 1
    with when_paused(resume_flow_run) as here_too:

        @flow
        async def wait():
            here_too()
            return await apause_flow_run(timeout=20, poll_interval=look(where))

        assert asyncio.run(wait()) is None


def test_a_task_pauses_its_flow():
    with when_paused(resume_flow_run) as here:

        @task
        def ask():
            here()
            pause_flow_run(timeout=20)
            return 5

        @flow
        def asks():
            return ask()

        assert asks() == 5


def test_a_named_pause_fires_once():
    with when_paused(resume_flow_run) as here:

        @flow
        def twice():
            here()
            pause_flow_run(timeout=20, key="once")
            pause_flow_run(timeout=20, key="once")
            return "through"

        assert twice() == "through"


@pytest.mark.behaviour(66)
def test_nobody_resumes(where):
    @flow
    def wait():
        pause_flow_run(timeout=0)

    state = wait(return_state=True)
    assert (state.type.value, state.message) == ("FAILED", "The flow was failed and never resumed.")
    with pytest.raises(FlowPauseTimeout, match=r"Flow run was paused and never resumed\."):
        state.result()


def test_cancelling_ends_a_pause():
    from prefect.exceptions import CancelledRun
    from prefect.states import Cancelling

    def cancel(run_id: UUID) -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run_id, Cancelling())

    with when_paused(cancel) as here:

        @flow
        def wait():
            here()
            pause_flow_run(timeout=20)

        with pytest.raises(CancelledRun):
            wait()


@pytest.mark.behaviour(66)
def test_outside_of_flow_runs():
    with pytest.raises(RuntimeError, match=r"Flow runs can only be paused from within a flow run\."):
        pause_flow_run()
    with pytest.raises(RuntimeError, match=r"Flow runs can only be suspended from within a flow run\."):
        suspend_flow_run()
    with pytest.raises(ObjectNotFound):
        resume_flow_run(uuid4())


def test_what_is_not_paused_is_not_resumed(where):
    @flow
    def quick():
        return flow_run.id

    with pytest.raises(NotPausedError, match="Cannot resume a run that isn't paused"):
        resume_flow_run(UUID(quick()))


@pytest.mark.behaviour(66)
def test_only_runs_of_deployments_are_suspended_and_no_subflows(where):
    @flow
    def suspends():
        suspend_flow_run()

    @flow
    def parent():
        suspends()

    with pytest.raises(RuntimeError, match=r"Cannot suspend flows without a deployment\."):
        suspends()
    with pytest.raises(RuntimeError, match=r"Cannot suspend subflows\."):
        parent()


ran: list[str] = []
tries: list[int] = []


@task
def before():
    ran.append("before")
    return 7


@flow
def suspending():
    number = before()
    ran.append("flow")
    tries.append(flow_run.run_count)
    given = suspend_flow_run(wait_for_input=int)
    return number + given


def _execute(run_id: UUID) -> State:
    return run_flow_call(resume(suspending, run_id.bytes, {}), return_state=True)


def test_a_suspended_run_ends_its_process_and_goes_on_by_replay(where):
    ran.clear()
    tries.clear()
    with get_client(sync_client=True) as client:
        deployment_id = client.create_deployment(
            client.create_flow_from_name("suspending"), f"d-{uuid4()}", entrypoint="x.py:suspending"
        )
        run = client.create_flow_run_from_deployment(deployment_id, state=Scheduled())
        with pytest.raises(Pause):
            _execute(run.id)
        suspended = client.read_flow_run(run.id)
        assert (suspended.state.name, suspended.state.state_details.pause_reschedule) == ("Suspended", True)
        assert own_backend().read_flow_run(run.id.bytes).owner is None  # no process has it
        with pytest.raises(RuntimeError, match="'value' is a required property"):
            resume_flow_run(run.id, {})
        resume_flow_run(run.id, {"value": 5})
        assert client.read_flow_run(run.id).state.name == "Resuming"
        state = _execute(run.id)
    assert (state.name, state.result()) == ("Completed", 12)
    assert tries == [1, 1]  # it goes on with the same try
    # the task was replayed; a server of Prefect's keeps no results
    assert ran == ["before", "flow", *(["before"] if where == "plain" else []), "flow"]


def test_waiting_for_a_run():
    async def wait(run_id: UUID, timeout: int) -> Any:
        return await wait_for_flow_run(run_id, timeout=timeout, log_states=True)

    @flow
    def quick():
        return flow_run.id

    run_id = UUID(quick())
    assert asyncio.run(wait(run_id, 5)).state.is_completed()
    with get_client(sync_client=True) as client:
        waits = client.create_flow_run(quick, state=Scheduled())
    with pytest.raises(FlowRunWaitTimeout):
        asyncio.run(wait(waits.id, 0))


def test_runs_send_each_other_inputs(where):
    @flow
    def talk():
        me = UUID(flow_run.id)
        send_input(5, me)
        send_input(6, me, sender="somebody")
        Approval(reason="z").send_to(me)
        send_input(Plain(x=3), me)
        assert list(receive_input(int, timeout=0)) == [5, 6]
        first, second = receive_input(int, timeout=0, with_metadata=True)
        assert (first.metadata.sender, second.metadata.sender) == (f"prefect.flow-run.{me}", "somebody")
        assert first.metadata.key.startswith("intautomaticruninput-auto-")
        assert first.metadata.receiver == me
        (approval,) = Approval.receive(timeout=0)
        approval.respond(8)
        assert list(receive_input(int, timeout=0, exclude_keys={first.metadata.key})) == [6, 8]
        assert [one.x for one in receive_input(Plain, timeout=0)] == [3]
        with pytest.raises(RuntimeError, match="no flow run has sent"):
            second.respond(1)
        with pytest.raises(TimeoutError):
            receive_input(str, timeout=0).next()
        with pytest.raises(TimeoutError):
            list(receive_input(str, timeout=0, raise_timeout_error=True))

    talk()


def test_inputs_are_received_asynchronously():
    @flow
    async def talk():
        await send_input("a", UUID(flow_run.id))
        return [one async for one in receive_input(str, timeout=0)]

    assert asyncio.run(talk()) == ["a"]


def test_inputs_by_key(where):
    @flow
    def keys():
        create_flow_run_input("k-1", {"a": 1})
        assert read_flow_run_input("k-1") == {"a": 1}
        assert [one.key for one in filter_flow_run_input("k-")] == ["k-1"]
        delete_flow_run_input("k-1")
        assert read_flow_run_input("k-1") is None

    keys()
    with pytest.raises(RuntimeError, match="Expected a flow run ID"):
        read_flow_run_input("k-1")
