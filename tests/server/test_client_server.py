"""What clients ask about the server itself, over HTTP and in process."""

from __future__ import annotations

from uuid import uuid4

import pytest

import prefect
from prefect.client.orchestration import PrefectClient, SyncPrefectClient


def test_a_wave(client):
    response = client.hello()
    assert response.status_code == 200
    assert response.json() == "👋"


def test_versions(client):
    assert client.api_version() == prefect.__version__
    assert client.client_version() == prefect.__version__
    assert client.raise_for_api_version_mismatch() is None
    assert client.raise_for_api_version_mismatch_once() is None


def test_health(client):
    assert client.api_healthcheck() is None
    with SyncPrefectClient("http://127.0.0.1:1/api") as nobody:
        assert "PREFECT_API_URL" in str(nobody.api_healthcheck())
        with pytest.raises(RuntimeError, match="does not answer"):
            nobody.raise_for_api_version_mismatch()


def test_where_results_go(client):
    block = uuid4()
    assert client.update_server_default_result_storage(block).default_result_storage_block_id == block
    assert client.read_server_default_result_storage().default_result_storage_block_id == block
    client.clear_server_default_result_storage()
    assert client.read_server_default_result_storage().default_result_storage_block_id is None


def test_kinds_of_workers(client):
    assert "process" in client.read_worker_metadata()["prefect"]


async def test_any_request(server_url):
    async with PrefectClient(f"{server_url}/api") as client:
        assert (await client.hello()).json() == "👋"
        asked = {"json": {"flows": None}}
        assert (await client.request("POST", "/flows/count", **asked)).json() == 0
        missing = await client.request("GET", "/flows/{id}", path_params={"id": uuid4()})
        assert missing.status_code == 404
    async with PrefectClient(None) as client:
        with pytest.raises(RuntimeError, match="PREFECT_API_URL"):
            await client.request("GET", "/flows/{id}", path_params={"id": uuid4()})


@pytest.mark.parametrize(
    ("served", "outcome"), [("4.0.0", RuntimeError), ("3.0.0", UserWarning), ("3.99.0", None)]
)
def test_versions_that_do_not_match(served, outcome):
    with SyncPrefectClient(None) as client:
        if outcome is RuntimeError:
            with pytest.raises(RuntimeError, match="same major version"):
                client._compare(served)
        elif outcome is UserWarning:
            with pytest.warns(UserWarning, match="upgrade the server"):
                client._compare(served)
        else:
            client._compare(served)
