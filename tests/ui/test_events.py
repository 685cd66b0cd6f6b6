"""The feed of events."""

from __future__ import annotations

import re
from uuid import uuid4

from prefect._api.api import Api
from prefect._api.events import create_events
from prefect.model.events import Event, Resource


def emitted(backend, number: int) -> str:
    id = f"order.{uuid4().hex[:8]}"
    resource = Resource({"prefect.resource.id": id, "prefect.resource.name": "<b>order</b>"})
    create_events(Api(backend), [Event(event=f"placed.{n}", resource=resource) for n in range(number)])
    return id


def test_events_of_a_resource_are_shown_page_by_page(reader, backend):
    id = emitted(backend, 60)
    first = reader.get(f"/events?resource={id}").text
    assert "&lt;b&gt;order" in first
    older = re.search(r'rel="next" href="([^"]*)"', first)
    second = reader.get(older.group(1).replace("&amp;", "&")).text
    found = re.findall(r"<b>(placed\.\d+)</b>", first + second)
    assert len(found) == len(set(found)) == 60
    assert 'rel="next"' not in second


def test_events_are_found_by_name(reader, backend):
    id = emitted(backend, 3)
    shown = reader.get(f"/events?resource={id}&event=placed.2").text
    assert re.findall(r"<b>(placed\.\d+)</b>", shown) == ["placed.2"]
    assert reader.get("/events?page=nonsense").status_code == 403
