"""`prefect.events` and `prefect events`, with and without a server."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from prefect import flow, tags, task
from prefect.events import Event, emit_event, get_events_subscriber
from prefect.events._sender import sender
from prefect.events.filters import EventFilter, EventNameFilter
from prefect.settings import temporary_settings
from prefect.testing.cli import invoke_and_assert


@pytest.fixture(params=["over-http", "in-process"])
def api(request):
    """Where events go: the server of this module, then the store of this process."""
    url = f"{request.getfixturevalue('server_url')}/api" if request.param == "over-http" else None
    with temporary_settings({"PREFECT_API_URL": url}):
        yield url


def named(name: str) -> EventFilter:
    return EventFilter(event=EventNameFilter(name=[name]))


async def first(count: int, filter: EventFilter, then=None) -> list[Event]:
    """The first events that are followed; `then` is called when the following has begun."""
    found = []
    async with get_events_subscriber(filter) as subscriber:
        if then is not None:
            then()
        async for event in subscriber:
            found.append(event)
            if len(found) == count:
                return found
    raise AssertionError("the server has closed")


def test_an_event_is_emitted_and_followed(api):
    name = f"shop.{uuid4()}"
    resource = {"prefect.resource.id": "shop.1"}
    before = emit_event(name, resource, payload={"sum": 42})

    def emit_another():
        emit_event(
            name,
            resource,
            related=[{"prefect.resource.id": "a.1", "prefect.resource.role": "by"}],
            follows=before,
        )

    one, two = asyncio.run(asyncio.wait_for(first(2, named(name), emit_another), 15))
    assert (one.id, one.payload, one.follows) == (before.id, {"sum": 42}, None)
    assert (two.follows, two.related[0].role) == (before.id, "by")


def test_runs_are_related_to_the_events_that_they_emit():
    name = f"inside.{uuid4()}"

    @task
    def work():
        return emit_event(name, {"prefect.resource.id": "a.1"})

    @flow(name="emitting")
    def emitting():
        return work()

    with tags("blue"):
        event = emitting()
    roles = {role: [one.name for one in found] for role, found in event.resources_in_role.items()}
    assert roles.keys() == {"flow-run", "flow", "task-run", "tag"}
    assert roles["flow"] == ["emitting"]
    assert event.resource_in_role["tag"].id == "prefect.tag.blue"


def test_what_is_no_event_is_refused():
    with pytest.raises(ValueError, match="resource"):
        emit_event("x", {"no": "id"})


def test_events_wait_for_a_server_that_is_away(server_url):
    with temporary_settings({"PREFECT_API_URL": f"{server_url}/api"}):
        emit_event("settled", {"prefect.resource.id": "a.1"})
        assert sender().settle(10)


def test_the_command_line_emits_and_follows(api):
    name = f"cli.{uuid4()}"
    words = ["events", "emit", name, "--resource-id", "a.1", "-r", "colour=red", "-p", '{"a": 1}']
    invoke_and_assert(
        [*words, "--related", '[{"prefect.resource.id": "b", "prefect.resource.role": "r"}]'], expected_code=0
    )
    (event,) = asyncio.run(asyncio.wait_for(first(1, named(name)), 15))
    assert (event.resource["colour"], event.payload, event.related[0].role) == ("red", {"a": 1}, "r")
    shown = invoke_and_assert(["events", "stream", "--run-once"], expected_code=0)
    assert json.loads(shown.stdout.splitlines()[-1])["resource"]["prefect.resource.id"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["emit", "x"], "--resource-id"),
        (["emit", "x", "--resource-id", "a", "-p", "["], "JSON object"),
        (["emit", "x", "--resource-id", "a", "--related", '[{"prefect.resource.id": "b"}]'], "role"),
        (["emit", "x", "-r", "colour"], "LABEL=VALUE"),
        (["stream", "--account"], "--account"),
    ],
)
def test_the_command_line_says_what_is_wrong(words, said):
    invoke_and_assert(["events", *words], expected_code=1, expected_output_contains=said)
