"""A server for the tests of a module, on a store of its own, and what asks it."""

from __future__ import annotations

import contextlib
import contextvars
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from databases import backend_on, kept_in
from prefect._backend import resolve
from prefect._backend.local import LocalBackend
from prefect._storage.opening import open_store
from prefect.client.orchestration import SyncPrefectClient
from prefect.exceptions import ObjectNotFound
from prefect.server.app import create_app

from .working import api, deployed, pool, start  # noqa: F401 - fixtures of this folder

ON_POSTGRES = os.environ.get("PLUPERFECT_TEST_STORE") == "postgres"


@contextmanager
def serving(app: Any, port: int = 0) -> Iterator[str]:
    """Serve an application while the block runs, on a free port unless told which; the URL."""
    started = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            started.set()

    server = Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="on"))
    # with the settings that are in force here
    thread = threading.Thread(target=contextvars.copy_context().run, args=(server.run,), daemon=True)
    thread.start()
    assert started.wait(30), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that names its `STORES` runs once on each of them."""
    stores = getattr(metafunc.module, "STORES", None)
    if stores and not ON_POSTGRES:
        metafunc.parametrize("store_kind", stores, indirect=True, scope="module")


@pytest.fixture(scope="module")
def store_kind(request: pytest.FixtureRequest) -> str:
    """On what a module runs that does not say: SQLite; with PLUPERFECT_TEST_STORE=postgres on a Postgres."""
    return getattr(request, "param", "postgres" if ON_POSTGRES else "sqlite")


@pytest.fixture(scope="module", autouse=True)
def embedded_store(store_kind: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """What this process and its children record without a server is on a store of that kind too."""
    if store_kind == "sqlite":
        yield
        return
    with kept_in(request.getfixturevalue("postgres").fresh()):
        yield


@pytest.fixture
def sqlite_only(store_kind: str) -> None:
    """For tests that ask SQLite for its plans."""
    if store_kind == "postgres":
        pytest.skip("the plan is SQLite's")


@pytest.fixture(scope="module")
def backend(
    store_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalBackend]:
    """The backend that the server of this module serves, on a store of that kind."""
    folder: Path = tmp_path_factory.mktemp("server")
    on_postgres = store_kind == "postgres"
    url = request.getfixturevalue("postgres").fresh() if on_postgres else f"sqlite:///{folder / 'store.db'}"
    made = backend_on(open_store(url))
    yield made
    made.close()


@pytest.fixture(scope="module")
def server_url(backend: LocalBackend) -> Iterator[str]:
    """Where the server of this module answers."""
    with serving(create_app(lambda: backend)) as url:
        yield url


class Plain:
    """The real application without what only our own client asks: as a server of Prefect's is."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if "/pluperfect/" in scope.get("path", ""):
            scope = {**scope, "path": "/nowhere"}
        await self._app(scope, receive, send)


@pytest.fixture(scope="module")
def plain_url(backend: LocalBackend) -> Iterator[str]:
    """Where the server of this module answers that speaks the public API only."""
    with serving(Plain(create_app(lambda: backend))) as url:
        yield url
        resolve.close(f"{url}/api")


@pytest.fixture
def only_ours(request: pytest.FixtureRequest) -> None:
    """For tests of what a server of Prefect's does not do: it knows of no process that has died, nor why a run waits."""
    if "plain" in request.node.callspec.params.values():
        pytest.skip("a server of Prefect's does not do this")


@pytest.fixture(scope="module")
def http(server_url: str) -> Iterator[httpx.Client]:
    """Asks the API as anybody's script does."""
    with httpx.Client(base_url=f"{server_url}/api", timeout=60) as asking:
        yield asking


@pytest.fixture(scope="module", params=["over-http", "in-process"])
def client(request: pytest.FixtureRequest, store_kind: str) -> Iterator[SyncPrefectClient]:
    """Our client: of the server of this module, then of the store of this process. Every test runs on both."""
    url = f"{request.getfixturevalue('server_url')}/api" if request.param == "over-http" else None
    with SyncPrefectClient(url) as asking:
        yield asking


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], None]:
    """Wait until something is so: for what a server does after it has answered."""

    def wait(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(ObjectNotFound):
                if condition():
                    return
            assert time.monotonic() < deadline, "it has not come to be so within ten seconds"
            time.sleep(0.005)  # looked at again and again: nothing here says when

    return wait
