"""Who waits for something of a flow run is told of it: one request is held, instead of many that ask again."""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from databases import backend_on
from prefect import flow
from prefect._backend import servers
from prefect._backend.connecting import access_of
from prefect._backend.http import HttpBackend
from prefect._backend.local import LocalBackend
from prefect._backend.news_room import CHANNEL
from prefect._backend.servers import ask_once, open_backend
from prefect._storage.opening import open_store
from prefect.client.orchestration import SyncPrefectClient
from prefect.input import receive_input
from prefect.input.run_input import send_input
from prefect.server.app import create_app
from prefect.settings import get_current_settings, temporary_settings
from prefect.states import Cancelling, Running, Scheduled

from .conftest import serving

PATIENCE = 60.0  # seconds: far more than anything here takes


class Counting:
    """An application, and how often each of its endpoints was asked."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.asked: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.asked[scope["path"].rpartition("/")[2]] += 1
        await self._app(scope, receive, send)


@pytest.fixture
def counting(backend: LocalBackend, tmp_path: Path) -> Iterator[Counting]:
    """A server that counts, and that this process reports to."""
    app = Counting(create_app(lambda: backend))
    with (
        serving(app) as url,
        temporary_settings(updates={"PREFECT_API_URL": f"{url}/api", "PREFECT_HOME": str(tmp_path)}),
    ):
        yield app


@pytest.fixture
def run_id(client: SyncPrefectClient) -> UUID:
    """A flow run that is Running."""

    @flow(name="waited-for")
    def waited_for() -> None:
        """Never called: the run is the client's."""

    return client.create_flow_run(waited_for, state=Running()).id


def in_thread(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """A call in a thread with the settings that are in force here, and where its answer comes."""
    answers: list[Any] = []
    context = contextvars.copy_context()
    thread = threading.Thread(target=lambda: answers.append(context.run(call)), daemon=True)
    thread.start()
    return thread, answers


@pytest.mark.parametrize("what", ["state", "input"])
def test_who_waits_for_news_is_told(client: SyncPrefectClient, run_id: UUID, what: str):
    seen = client.await_flow_run_news(run_id)
    began = time.monotonic()
    thread, answers = in_thread(lambda: client.await_flow_run_news(run_id, seen, PATIENCE))
    if what == "state":
        client.set_flow_run_state(run_id, Cancelling())
    else:
        client.create_flow_run_input(run_id, "key", "1")
    thread.join(PATIENCE)
    assert answers == [client.await_flow_run_news(run_id)]
    assert answers != [seen]
    assert time.monotonic() - began < PATIENCE / 2


def test_without_news_the_answer_is_what_was_seen(client: SyncPrefectClient, run_id: UUID):
    seen = client.await_flow_run_news(run_id)
    assert client.await_flow_run_news(run_id, seen, 0.1) == seen


@pytest.mark.parametrize("patience", ["nan", "-1", "-inf"])
def test_patience_that_is_none_does_not_wait(http: httpx.Client, patience: str):
    path = f"/flow_runs/{uuid4()}/news"
    assert http.get(path, params={"seen": "", "patience": patience}).json() == http.get(path).json()


def test_who_has_seen_nothing_does_not_wait(client: SyncPrefectClient, run_id: UUID):
    assert client.await_flow_run_news(run_id, "", PATIENCE)


def test_input_over_http_is_waited_for_by_one_request(
    counting: Counting, eventually: Callable[[Callable[[], Any]], None]
):
    with SyncPrefectClient(get_current_settings().api.url) as client:

        @flow(name="receives")
        def receives() -> None:
            """Never called: the run is the client's."""

        run = client.create_flow_run(receives, state=Running())
        inputs = receive_input(int, timeout=PATIENCE, flow_run_id=run.id, key_prefix="number")
        thread, answers = in_thread(inputs.next)
        eventually(lambda: counting.asked["news"] == 2)  # the second is held
        send_input(7, flow_run_id=run.id, key_prefix="number")
        thread.join(PATIENCE)
    assert answers == [7]
    assert counting.asked["filter"] == 3  # before the first mark, after it, and for the news


def test_a_fork_does_not_ask_which_kind_of_server_it_has(
    backend: LocalBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(servers, "_known_to_be_ours", set())  # of this test only
    with serving(create_app(lambda: backend)) as url:
        updates = {"PREFECT_API_URL": f"{url}/api", "PREFECT_HOME": str(tmp_path)}
        with temporary_settings(updates=updates):
            settings = get_current_settings()
            ask_once(settings)
    made = open_backend(settings)  # nobody answers any more
    assert isinstance(made, HttpBackend)
    assert made.line.access == access_of(settings, settings.api.url)
    made.abandon()


def test_postgres_tells_of_runs_that_are_asked_for(postgres: Any):
    """Whoever has written them, in whatever way."""
    made = backend_on(open_store(postgres.fresh()))
    with contextlib.closing(made):
        listener = made.store.listen_closely(CHANNEL)
        app = create_app(lambda: made)
        with serving(app) as url, SyncPrefectClient(f"{url}/api") as client, contextlib.closing(listener):

            @flow(name="asked-for")
            def asked_for() -> None:
                """Never called: the run is the client's."""

            run = client.create_flow_run(asked_for, state=Running())
            assert listener.wait(0.2) is None  # nobody waits for that
            client.set_flow_run_state(run.id, Cancelling())
            assert listener.wait(PATIENCE) is not None
            client.create_flow_run(asked_for, state=Scheduled())
            assert listener.wait(PATIENCE) is not None
            client.create_flow_run_input(run.id, "key", "1")
            assert listener.wait(PATIENCE) is not None
