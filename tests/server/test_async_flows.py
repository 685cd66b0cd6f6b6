"""Asynchronous flows do not hold their event loop up while a backend is asked, and lose nothing when cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from prefect import flow, get_run_logger, task
from prefect._backend import resolve
from prefect._base import aside
from prefect.server.app import create_app
from prefect.settings import temporary_settings

from .conftest import serving

LONG = 20.0  # seconds that a held request waits at most: a loop that is held up releases nothing


class Gate:
    """The real application; a request that holds `marker` waits, when it has come, until it is let through."""

    def __init__(self, app) -> None:
        self._app = app
        self.marker: bytes | None = None
        self.held, self.open = threading.Event(), threading.Event()
        self.waited_in_vain = False

    def close_for(self, marker: bytes) -> None:
        self.held.clear()
        self.open.clear()
        self.marker = marker

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or self.marker is None:
            await self._app(scope, receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message.get("more_body"):
                break
        if self.marker in body:
            self.marker = None
            self.held.set()
            if not await asyncio.to_thread(self.open.wait, LONG):
                self.waited_in_vain = True
        whole = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def again():
            return next(whole, None) or await receive()

        await self._app(scope, again, send)


@pytest.fixture
def gate(backend) -> Gate:
    return Gate(create_app(lambda: backend))


@pytest.fixture
def over_http(gate: Gate, tmp_path: Path) -> Iterator[None]:
    """Flows of this test report to the server behind the gate."""
    with serving(gate) as url:
        with temporary_settings({"PREFECT_API_URL": f"{url}/api", "PREFECT_HOME": str(tmp_path)}):
            yield
        resolve.close(f"{url}/api")


async def ticks_while(held: Callable[[], bool], release: Callable[[], None]) -> int:
    """How often the event loop goes round while something is held; then it is released."""
    while not held():
        await asyncio.sleep(0.001)  # a round of the loop
    for _ in range(20):
        await asyncio.sleep(0.001)
        if not held():
            return 0
    release()
    return 20


def run_named(backend, name: str):
    (run,) = backend.find_flow_runs(flow_names=[name])
    return run


def state_names(backend, name: str) -> list[str]:
    return [state.name for state in backend.read_flow_run_states(run_named(backend, name).id)]


@pytest.mark.parametrize("verb", ["create_flow_run", "propose_flow_run_state"])
def test_the_loop_goes_on_while_a_server_is_slow(over_http, gate: Gate, backend, verb: str):
    @flow(name=f"slow-{verb}")
    async def slow():
        return 1

    async def main():
        gate.close_for(f'"{verb}"'.encode())
        return await asyncio.gather(slow(), ticks_while(gate.held.is_set, gate.open.set))

    assert asyncio.run(main()) == [1, 20]
    assert not gate.waited_in_vain
    assert state_names(backend, f"slow-{verb}") == ["Pending", "Running", "Completed"]


def test_the_loop_goes_on_while_the_end_of_a_durable_task_is_written(over_http, gate: Gate, backend):
    @task(persist_result=True)
    async def durable():
        gate.close_for(b'"rows"')
        return 1

    @flow
    async def with_durable():
        return await durable()

    async def main():
        return await asyncio.gather(with_durable(), ticks_while(gate.held.is_set, gate.open.set))

    assert asyncio.run(main()) == [1, 20]
    assert not gate.waited_in_vain
    counted = backend.count_task_runs(run_named(backend, "with-durable").id)
    assert counted == {"COMPLETED": 1}


def test_everything_of_an_asynchronous_flow_is_on_record_in_order(over_http, gate: Gate, backend):
    seen = contextvars.ContextVar("seen", default="")

    @task
    async def step(n: int) -> str:
        get_run_logger().info("step %d in %s", n, seen.get())
        return seen.get()

    @flow
    async def within(n: int):
        return await step(n)

    @flow
    async def around():
        seen.set("around")
        return [await step(0), *await asyncio.gather(within(1), within(2)), seen.get()]

    assert asyncio.run(around()) == ["around"] * 4
    assert state_names(backend, "around") == ["Pending", "Running", "Completed"]
    run = run_named(backend, "around")
    rows = backend.find_task_runs(flow_run_ids=[run.id])
    assert [row.state_type for row in rows] == ["COMPLETED"] * 3
    for child in backend.find_flow_runs(flow_names=["within"]):
        assert child.state.name == "Completed"
        assert child.parent_flow_run_id == run.id


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        ("create_flow_run", ["Pending", "Running", "Crashed"]),
        ("propose_flow_run_state", ["Pending", "Running", "Completed"]),
    ],
)
def test_a_flow_that_is_cancelled_while_a_verb_is_under_way_loses_nothing(
    over_http, gate: Gate, backend, verb: str, states: list[str]
):
    name = f"cancelled-in-{verb}"

    @flow(name=name)
    async def cancelled():
        return 1

    async def main():
        gate.close_for(f'"{verb}"'.encode())
        running = asyncio.ensure_future(cancelled())
        await asyncio.to_thread(gate.held.wait)
        running.cancel()
        await asyncio.sleep(0)  # the cancellation arrives
        running.cancel()  # and once more
        assert await ticks_while(lambda: not running.done(), gate.open.set)
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert state_names(backend, name) == states


def test_a_flow_that_is_cancelled_does_not_wait_for_a_server_for_ever(
    over_http, gate: Gate, backend, monkeypatch: pytest.MonkeyPatch, eventually
):
    monkeypatch.setattr(aside, "GRACE_SECONDS", 0.05)

    @flow
    async def given_up():
        return 1

    async def main():
        gate.close_for(b'"propose_flow_run_state"')
        running = asyncio.ensure_future(given_up())
        await asyncio.to_thread(gate.held.wait)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert not gate.open.is_set()
    gate.open.set()
    eventually(lambda: state_names(backend, "given-up") == ["Pending", "Running", "Completed"])


def test_a_coroutine_that_is_thrown_away_ends_its_run(over_http, backend):
    @flow
    async def thrown_away(entered):
        entered.set()
        await asyncio.Event().wait()

    async def begun():
        entered = asyncio.Event()
        running = asyncio.ensure_future(thrown_away(entered))
        await entered.wait()
        return running

    loop = asyncio.new_event_loop()
    running = loop.run_until_complete(begun())
    loop.close()
    running.get_coro().close()  # as the collector does: nothing can be awaited any more
    running._log_destroy_pending = False
    assert state_names(backend, "thrown-away") == ["Pending", "Running", "Crashed"]


# --- on Postgres -------------------------------------------------------------------------------------------


def test_the_loop_goes_on_while_postgres_lets_a_flow_wait(postgres, tmp_path: Path):
    url = postgres.fresh()
    changes = {"PREFECT_API_DATABASE_CONNECTION_URL": url, "PREFECT_HOME": str(tmp_path)}
    with temporary_settings({**changes, "PREFECT_API_URL": None}):

        @flow
        async def patient():
            return 1

        asyncio.run(patient())
        backend = resolve.backend()
        assert backend.blocks
        with psycopg.connect(url) as other:
            schema = backend.store.row("SELECT current_schema()")[0]
            other.execute(f'LOCK TABLE "{schema}".flow_run IN EXCLUSIVE MODE')

            def held() -> bool:
                asked = "SELECT 1 FROM pg_locks WHERE NOT granted"
                return other.execute(asked).fetchone() is not None

            async def main():
                return await asyncio.gather(patient(), ticks_while(held, other.rollback))

            assert asyncio.run(main()) == [1, 20]
        resolve.close(url)


def test_local_sqlite_is_asked_inline():
    threads = []

    @flow
    async def inline():
        threads.extend(thread.name for thread in threading.enumerate())

    asyncio.run(inline())
    assert not resolve.backend().blocks
    assert "prefect-verb" not in threads
