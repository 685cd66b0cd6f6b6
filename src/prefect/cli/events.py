"""`prefect events`: follow what happens, and say that something has."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, TextIO

import click

from prefect.cli._command import Group, argument
from prefect.cli._output import fail

if TYPE_CHECKING:
    from prefect.model.events import ReceivedEvent


@click.group("events", cls=Group)
def events() -> None:
    """Follow events, and emit them."""


@events.command("stream")
@click.option(
    "--format",
    "form",
    type=click.Choice(("json", "text")),
    default="json",
    show_default=True,
    help="A JSON object a line, or a line for people.",
)
@click.option("--output-file", type=click.File("a"), help="Write there, instead of to the screen.")
@click.option("--account/--no-account", default=False, help="Of a whole account of a hosted service.")
@click.option("--run-once/--no-run-once", default=False, help="End after one event.")
def stream(*, form: str, output_file: TextIO | None, account: bool, run_once: bool) -> None:
    """Print events as they come, beginning with those of the last minutes. Ctrl-C ends it."""
    import asyncio  # 30 ms that only this command needs

    if account:
        fail("Expected a server of one's own, which has no accounts. Leave --account out.")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_stream(form, output_file, run_once))


async def _stream(form: str, file: TextIO | None, run_once: bool) -> None:
    from datetime import timedelta  # as below

    from prefect._base.clock import now  # as below
    from prefect.events.clients import get_events_subscriber  # pydantic and more: only for this command
    from prefect.model.requests.events import EventFilter, EventOccurredFilter  # as above

    recent = EventOccurredFilter(since=now() - timedelta(minutes=15), until=now() + timedelta(days=36_500))
    async with get_events_subscriber(EventFilter(occurred=recent)) as subscriber:
        async for event in subscriber:
            text = event.model_dump_json() if form == "json" else _for_people(event)
            click.echo(text, file=file)
            if run_once:
                return


def _for_people(event: ReceivedEvent) -> str:
    name = event.resource.name
    named = f"{name} ({event.resource.id})" if name else event.resource.id
    return f"{event.occurred.astimezone():%Y-%m-%d %H:%M:%S} {event.event} {named}"


@events.command("emit")
@argument("event")
@click.option(
    "--resource", "-r", multiple=True, metavar="LABEL=VALUE", help="A label of the resource. Repeatable."
)
@click.option("--resource-id", metavar="ID", help="The resource that the event is about.")
@click.option("--related", metavar="JSON", help="Related resources: a JSON list of objects of labels.")
@click.option("--payload", "-p", metavar="JSON", help="What else is known: a JSON object.")
def emit(
    *,
    event: str,
    resource: tuple[str, ...],
    resource_id: str | None,
    related: str | None,
    payload: str | None,
) -> None:
    """Say that something has happened."""
    from prefect.client.orchestration import get_client  # pydantic and more: only for this command
    from prefect.model.events import Event  # as above

    labels = _labels_of(resource)
    if resource_id is not None:
        labels["prefect.resource.id"] = resource_id
    if "prefect.resource.id" not in labels:
        fail("Expected the resource that the event is about, got none. Give --resource-id ID.")
    given = {
        "event": event,
        "resource": labels,
        "related": _read(related, list),
        "payload": _read(payload, dict),
    }
    try:
        made = Event.model_validate(given)
    except ValueError as error:
        fail(f"Expected an event, got something else: {error}")
    with get_client(sync_client=True) as client:
        client.create_events([made])
    click.echo(f"Emitted {made.event} with the id {made.id}.")


def _labels_of(words: tuple[str, ...]) -> dict[str, str]:
    labels: dict[str, str] = {}
    for word in words:
        label, separator, value = word.partition("=")
        if not separator:
            fail(f"Expected LABEL=VALUE, got '{word}'. For example: --resource prefect.resource.name=Shop")
        labels[label] = value
    return labels


def _read(text: str | None, kind: type[Any]) -> Any:
    if text is None:
        return kind()
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, kind):
        fail(f"Expected a JSON {'list' if kind is list else 'object'}, got '{text}'.")
    return found
