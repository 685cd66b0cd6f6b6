"""Finding pages by name."""

from __future__ import annotations

from uuid import uuid4

from prefect._api.api import Api
from prefect._api.flows import create_flow
from prefect.model.requests.flows import FlowCreate


def test_flows_and_pages_are_found_by_a_part_of_their_name(reader, backend):
    name = f"load-{uuid4().hex[:8]}"
    flow = create_flow(Api(backend), FlowCreate(name=name))
    assert f'href="/flows/flow/{flow.id}"' in reader.get(f"/find?q={name[2:]}").text
    sections = reader.get("/find?q=artif").text.partition('id="found"')[2]
    assert 'href="/artifacts"' in sections
    assert 'href="/runs"' not in sections
    assert "is called so" in reader.get(f"/find?q={uuid4()}").text
