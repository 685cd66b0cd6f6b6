"""`concurrency()` and `rate_limit()`, on the embedded store and over HTTP: who waits, who is woken, what is freed."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prefect import flow, get_client, task
from prefect._backend.resolve import backend as backend_in_force
from prefect._backend.turns import Wish, take_in_turn
from prefect._base import current
from prefect._base.ids import new_id
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, GlobalConcurrencyLimitUpdate
from prefect.concurrency import asyncio as asynchronous
from prefect.concurrency import sync
from prefect.concurrency.asyncio import AcquireConcurrencySlotTimeoutError, ConcurrencySlotAcquisitionError
from prefect.concurrency.context import ConcurrencyContext
from prefect.concurrency.services import ConcurrencySlotAcquisitionWithLeaseService
from prefect.concurrency.v1.sync import concurrency as concurrency_v1
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, temporary_settings

STORES = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]

PROGRAM = Path(__file__).with_name("waiters.py")


@pytest.fixture(params=["embedded", "over-http", "plain"], autouse=True)
def api(request):
    """Every test runs on the store of this process, over HTTP, and with a server that speaks the public API only."""
    if request.param == "embedded":
        yield None
        return
    server = "plain_url" if request.param == "plain" else "server_url"
    url = f"{request.getfixturevalue(server)}/api"
    with temporary_settings({PREFECT_API_URL: url}):
        yield url


def thread(work, *args):
    """A thread with this one's settings."""
    return threading.Thread(target=contextvars.copy_context().run, args=(work, *args))


def limit(name, slots, decay=0.0):
    with get_client(sync_client=True) as client:
        new = GlobalConcurrencyLimitCreate(name=name, limit=slots, slot_decay_per_second=decay)
        try:
            client.create_global_concurrency_limit(new)
        except ObjectAlreadyExists:
            client.update_global_concurrency_limit(
                name, GlobalConcurrencyLimitUpdate(limit=slots, active_slots=0)
            )
    return name


def active(name):
    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name).active_slots


def test_slots_are_held_while_the_block_runs():
    name = limit("block", 2)
    with sync.concurrency(name, occupy=2):
        assert active(name) == 2
    assert active(name) == 0
    with pytest.raises(KeyError), sync.concurrency(name):
        raise KeyError
    assert active(name) == 0


def test_a_coroutine_holds_them_too():
    name = limit("coroutine", 1)

    async def hold():
        async with asynchronous.concurrency(name):
            return active(name)

    assert asyncio.run(hold()) == 1
    assert active(name) == 0


def test_names_without_a_limit_are_passed_by_unless_the_caller_is_strict():
    with sync.concurrency("unheard-of"):
        pass
    sync.rate_limit("unheard-of")
    with (
        pytest.raises(ConcurrencySlotAcquisitionError, match="must be created"),
        sync.concurrency("unheard-of", strict=True),
    ):
        pytest.fail("it was let in")
    with sync.concurrency(["unheard-of", limit("heard-of", 1)], strict=True):
        assert active("heard-of") == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"occupy": 3}, "greater than the limit", id="too-many"),
        pytest.param({"max_retries": 0}, "Locked", id="no-retries"),
    ],
)
def test_what_cannot_be_had_is_an_error(arguments, text):
    name = limit("full", 1)
    with (
        sync.concurrency(name),
        pytest.raises(ConcurrencySlotAcquisitionError, match=text),
        sync.concurrency(name, **arguments),
    ):
        pytest.fail("it was let in")


def test_who_has_waited_long_enough_gives_up_and_leaves_the_line():
    name = limit("patience", 1)

    async def wait():
        async with asynchronous.concurrency(name, timeout_seconds=0.1):
            pytest.fail("it was let in")

    with sync.concurrency(name):
        with (
            pytest.raises(AcquireConcurrencySlotTimeoutError, match="after 0.1 second"),
            sync.concurrency(name, timeout_seconds=0.1),
        ):
            pytest.fail("it was let in")
        with pytest.raises(TimeoutError):
            asyncio.run(wait())
    with sync.concurrency(name, timeout_seconds=5):
        assert active(name) == 1


def test_a_coroutine_that_is_cancelled_while_it_waits_takes_nothing(eventually):
    name = limit("cancelled", 1)

    async def wait():
        async with asynchronous.concurrency(name):
            pytest.fail("it was let in")

    async def cancel():
        async with asynchronous.concurrency(name):
            waiting = asyncio.ensure_future(wait())
            await asyncio.sleep(0.1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(cancel())
    eventually(lambda: active(name) == 0)


def test_only_so_many_are_in_the_block_and_all_get_there_in_turn():
    name, inside, most, order = limit("crowd", 2), [0], [0], []
    guard, both = threading.Lock(), threading.Barrier(2, timeout=30)

    def visit(number):
        with sync.concurrency(name):
            with guard:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                order.append(number)
            both.wait()  # however long a store takes to let the other one in
            with guard:
                inside[0] -= 1

    with sync.concurrency(name, occupy=2):
        visitors = [thread(visit, number) for number in range(24)]
        for one in visitors:
            one.start()
            time.sleep(0.005)  # each is in the line before the next
    for one in visitors:
        one.join(30)
    assert (most[0], len(order)) == (2, 24)
    late = [abs(place - number) for place, number in enumerate(order)]
    assert max(late) <= 8, order


def test_a_release_wakes_who_waits():
    name, came = limit("wake", 1), threading.Event()

    def wait():
        with sync.concurrency(name):
            came.set()

    with sync.concurrency(name):
        waiting = thread(wait)
        waiting.start()
        assert not came.wait(0.3)
    assert came.wait(1.0), "it would have to be woken in milliseconds"
    waiting.join(5)


def test_a_rate_limit_lets_so_many_through_a_second():
    name = limit("rate", 2, decay=20.0)
    began = time.monotonic()
    for _ in range(6):
        sync.rate_limit(name)
    assert time.monotonic() - began >= 4 / 20 * 0.95
    asyncio.run(asynchronous.rate_limit(name))
    with pytest.raises(ConcurrencySlotAcquisitionError, match="slot decay"):
        sync.rate_limit(limit("steady", 1))


def test_a_lease_that_was_revoked_ends_the_block_of_who_wants_that(monkeypatch):
    from prefect.concurrency import _leases

    monkeypatch.setattr(_leases, "FRACTION", 600)  # renewed ten times a second
    name = limit("revoked", 1)

    async def work():
        async with asynchronous.concurrency(name, lease_duration=60, strict=True):
            with get_client(sync_client=True) as client:
                client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
            await asyncio.sleep(30)

    began = time.monotonic()
    with pytest.raises(ConcurrencySlotAcquisitionError, match="lost"):
        asyncio.run(work())
    with (
        pytest.raises(ConcurrencySlotAcquisitionError, match="lost"),
        sync.concurrency(name, lease_duration=60, raise_on_lease_renewal_failure=True),
    ):
        with get_client(sync_client=True) as client:
            client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))
        while time.monotonic() - began < 25:
            time.sleep(0.01)
    assert time.monotonic() - began < 20


def test_a_context_gives_back_what_was_not_given_back():
    name = limit("context", 1)
    service = ConcurrencySlotAcquisitionWithLeaseService(frozenset({name}))
    with ConcurrencyContext() as context:
        response = asyncio.run(service.acquire(1, "concurrency"))
        context.cleanup_lease_ids.append(UUID(response.json()["lease_id"]))
        assert active(name) == 1
    assert active(name) == 0


def test_the_older_form_takes_slots_of_tags():
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit("older", 1)
    run, other = UUID(bytes=new_id()), UUID(bytes=new_id())
    with concurrency_v1("older", run):
        with pytest.raises(TimeoutError), concurrency_v1(["older"], other, timeout_seconds=0.1):
            pytest.fail("it was let in")
    with concurrency_v1(["older"], other, timeout_seconds=5):
        assert active("tag:older") == 1


# --- the tags of tasks ---------------------------------------------------------------------------------


@contextmanager
def tag_limit(tag, slots):
    with get_client(sync_client=True) as client:
        client.create_concurrency_limit(tag, slots)
        yield
        client.delete_concurrency_limit_by_tag(tag)


def test_tasks_with_a_limited_tag_run_only_so_many_at_once(eventually):
    inside, most, guard = [0], [0], threading.Lock()

    @task(tags=["few"])
    def visit(_):
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        with guard:
            inside[0] -= 1

    @flow
    def visits():
        visit.map(range(12)).wait()

    with tag_limit("few", 2):
        visits()
        assert most[0] in {1, 2}
        eventually(lambda: active("tag:few") == 0)


def test_a_task_that_waits_for_its_next_try_holds_no_slot(eventually):
    seen = []

    @task(tags=["retried"], retries=1, retry_delay_seconds=0.3)
    def twice():
        seen.append(active("tag:retried"))
        if len(seen) == 1:
            raise ValueError("once more")

    @task
    def meanwhile():
        while not seen:
            time.sleep(0.005)
        time.sleep(0.1)
        return active("tag:retried")

    @flow
    def tries():
        look = meanwhile.submit()
        twice()
        return look.result()

    with tag_limit("retried", 1):
        assert tries() == 0
        assert seen == [1, 1]
        eventually(lambda: active("tag:retried") == 0)


def test_a_limit_of_0_fails_the_run():
    @task(tags=["shut"])
    def never():
        pytest.fail("it ran")

    @flow
    def tries():
        return never(return_state=True)

    with tag_limit("shut", 0), pytest.raises(ConcurrencySlotAcquisitionError, match="greater than the limit"):
        tries()


def test_async_tasks_and_tags_of_the_context():
    from prefect import tags

    most, inside = [0], [0]

    @task
    async def visit(_):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        await asyncio.sleep(0.01)
        inside[0] -= 1

    @flow
    async def visits():
        with tags("around"):
            await asyncio.gather(*(visit(number) for number in range(5)))

    with tag_limit("around", 1):
        asyncio.run(visits())
    assert most[0] == 1


# --- processes that die --------------------------------------------------------------------------------


@contextmanager
def started(what, name, api):
    environment = dict(os.environ) | ({"PREFECT_API_URL": api} if api else {})
    child = subprocess.Popen(
        [sys.executable, str(PROGRAM), what, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    with child:
        try:
            assert child.stdout.readline().strip() in {"holding", "waiting"}
            yield child
        finally:
            child.kill()


@pytest.mark.parametrize("what", ["holds", "tagged"])
def test_the_slots_of_a_killed_process_are_free_within_seconds(api, what, only_ours):
    name = limit(f"killed-{what}" if what == "holds" else "tag:killed-tag", 1)
    with started(what, name.removeprefix("tag:"), api) as child:
        assert active(name) == 1
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    if api is not None:  # the server's reaper, which this server does not run by itself
        backend_in_force().reap()
    with sync.concurrency(name, timeout_seconds=10):
        assert active(name) == 1


def test_who_died_while_waiting_holds_nobody_up(api):
    name = limit("died-waiting", 1)
    with sync.concurrency(name):
        with started("waits", name, api) as child:
            with get_client(sync_client=True) as client:
                deadline = time.monotonic() + 10
                while not any(
                    client.read_slot_waits(run.id)
                    for run in client.read_flow_runs(limit=200)
                    if run.state.is_running()
                ):
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
            child.send_signal(signal.SIGKILL)
            child.wait(10)
    with sync.concurrency(name, timeout_seconds=3):
        assert active(name) == 1


def outside_of_the_flow(run):
    current.flow_run.set(None)
    run()


def test_why_a_run_waits_is_told(api, only_ours):
    from prefect.testing.cli import invoke_and_assert

    name = limit("asked-why", 1)
    ready = threading.Event()

    @flow(name="blocked", flow_run_name="patient")
    def blocked():
        ready.set()
        with sync.concurrency(name):
            pass

    @flow(flow_run_name="holder")
    def holder():
        with sync.concurrency(name):
            waiting = thread(outside_of_the_flow, blocked)
            waiting.start()
            assert ready.wait(10)
            said = told()
        waiting.join(10)
        return said

    def told():
        with get_client(sync_client=True) as client:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                (run,) = [one for one in client.read_flow_runs(limit=200) if one.name == "patient"]
                if client.read_slot_waits(run.id):
                    return invoke_and_assert(["flow-run", "why", str(run.id)]).output
                time.sleep(0.01)
        pytest.fail("nothing was told")

    said = " ".join(holder().split())
    assert "It waits for a slot of limit 'asked-why' (1 in all) since" in said
    assert "held by flow run 'holder' since" in said


# --- the line ------------------------------------------------------------------------------------------


def test_who_came_first_is_served_first(backend):
    limit_id = new_id()
    with backend.store.write() as cx:
        from prefect._api.concurrency import insert

        insert(cx, f"line-{limit_id.hex()}", 1)
        wishes = [Wish(new_id(), (f"line-{limit_id.hex()}",), 1, seconds=60.0) for _ in range(3)]
        answers = [type(take_in_turn(cx, wish, longest_wait=1.0)).__name__ for wish in wishes]
        assert answers == ["Taken", "Waits", "Waits"]
        assert take_in_turn(cx, wishes[2], longest_wait=1.0).behind is True
        assert (
            type(take_in_turn(cx, wishes[2], longest_wait=1.0, jump=True)).__name__ == "Waits"
        )  # it is full


def test_who_gets_slots_at_once_gets_them_once():
    """The thread that serves who waits has seen it in the room, and must not serve it too."""
    name = limit("at-once", 1000)
    with get_client(sync_client=True) as client:
        for _ in range(100):
            client.take_concurrency_slots([name], 1, "concurrency", uuid4(), 10, 60)
    assert active(name) == 100
