"""How the clients speak to a server: repeats, CSRF tokens, headers, and clear words where nobody answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from prefect._backend.local import LocalBackend
from prefect._base.clock import VirtualClock, use_clock
from prefect.client.orchestration import PrefectClient, SyncPrefectClient
from prefect.exceptions import ObjectAlreadyExists, PrefectHTTPStatusError
from prefect.model.requests.variables import VariableCreate, VariableUpdate
from prefect.server.app import create_app
from prefect.settings import temporary_settings

from .conftest import serving


class Fickle:
    """The real application behind something that refuses the first requests; `seen` are the headers of all."""

    def __init__(self, app) -> None:
        self._app = app
        self.refuse: list[tuple[int, dict[str, str]]] = []
        self.seen: list[dict[str, str]] = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        if not self.refuse:
            await self._app(scope, receive, send)
            return
        status, headers = self.refuse.pop(0)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": b'{"detail":"not now"}'})


@pytest.fixture
def fickle(backend: LocalBackend) -> Fickle:
    return Fickle(create_app(lambda: backend))


@pytest.fixture
def url(fickle: Fickle) -> Iterator[str]:
    with serving(fickle) as found:
        yield f"{found}/api"


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with use_clock(VirtualClock()) as moved:
        yield moved


def test_what_is_refused_for_now_is_asked_again_when_the_server_says(
    fickle: Fickle, url: str, clock: VirtualClock
):
    fickle.refuse = [(429, {"retry-after": "40"}), (503, {}), (502, {})]
    before = clock.now_us()
    with SyncPrefectClient(url) as client:
        client.create_variable(VariableCreate(name="repeated", value=1))
    assert len(fickle.seen) == 4
    assert 40 <= (clock.now_us() - before) / 1e6 <= 50


async def test_the_asynchronous_client_asks_again_too(fickle: Fickle, url: str, clock: VirtualClock):
    fickle.refuse = [(503, {})]
    async with PrefectClient(url) as client:
        assert await client.read_variable_by_name("nobody's") is None
    assert len(fickle.seen) == 2


def test_repeats_end_and_other_answers_are_not_repeated(fickle: Fickle, url: str, clock: VirtualClock):
    fickle.refuse = [(503, {})] * 10
    with (
        SyncPrefectClient(url) as client,
        pytest.raises(PrefectHTTPStatusError, match="503.*not now") as caught,
    ):
        client.read_variables()
    assert isinstance(caught.value, httpx.HTTPStatusError)
    assert len(fickle.seen) == 6
    fickle.refuse, fickle.seen = [(500, {}), (418, {})], []
    with SyncPrefectClient(url) as client:
        for _ in range(2):
            with pytest.raises(PrefectHTTPStatusError):
                client.read_variables()
    assert len(fickle.seen) == 2


def test_more_codes_and_fewer_repeats_by_the_settings(fickle: Fickle, url: str, clock: VirtualClock):
    fickle.refuse = [(418, {}), (418, {})]
    changes = {"PREFECT_CLIENT_RETRY_EXTRA_CODES": "418", "PREFECT_CLIENT_MAX_RETRIES": "1"}
    with temporary_settings(changes), SyncPrefectClient(url) as client, pytest.raises(PrefectHTTPStatusError):
        client.read_variables()
    assert len(fickle.seen) == 2


def test_custom_headers_go_with_every_request(fickle: Fickle, url: str):
    with (
        temporary_settings({"PREFECT_CLIENT_CUSTOM_HEADERS": '{"X-Mine": "yes"}'}),
        SyncPrefectClient(url, api_key="secret", httpx_settings={"headers": {"X-Too": "1"}}) as client,
    ):
        client.read_variables()
    (seen,) = fickle.seen
    assert (seen["x-mine"], seen["x-too"], seen["authorization"]) == ("yes", "1", "Bearer secret")
    assert seen["x-prefect-api-version"] == "0.8.4"


def test_a_token_is_fetched_when_the_server_asks_for_one(fickle: Fickle, url: str):
    with (
        temporary_settings({"PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true"}),
        serving(fickle) as protected,
        SyncPrefectClient(f"{protected}/api") as client,
    ):
        fickle.seen.clear()
        client.create_variable(VariableCreate(name="guarded", value=1))
        assert len(fickle.seen) == 3  # refused, the token, done
        client.update_variable(VariableUpdate(name="guarded", value=2))
        assert len(fickle.seen) == 4
        assert fickle.seen[-1]["prefect-csrf-token"]
        with temporary_settings({"PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false"}):
            with (
                SyncPrefectClient(f"{protected}/api") as bare,
                pytest.raises(PrefectHTTPStatusError, match="CSRF"),
            ):
                bare.create_variable(VariableCreate(name="unguarded", value=1))


def test_nobody_there_is_said_in_clear_words(clock: VirtualClock):
    began = time.monotonic()
    with (
        SyncPrefectClient("http://127.0.0.1:9/api") as client,
        pytest.raises(
            httpx.ConnectError, match=r"PREFECT_API_URL=http://127\.0\.0\.1:9/api did not answer POST"
        ),
    ):
        client.create_variable(VariableCreate(name="nowhere", value=1))
    assert time.monotonic() - began < 10


def test_what_is_refused_for_good_keeps_its_meaning(url: str):
    with SyncPrefectClient(url) as client:
        client.create_variable(VariableCreate(name="taken", value=1))
        with pytest.raises(ObjectAlreadyExists):
            client.create_variable(VariableCreate(name="taken", value=1))
