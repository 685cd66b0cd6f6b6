"""Following events and log lines over a websocket: a filter comes, what passes it goes out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect

from prefect._api import event_search
from prefect._api.logs import passes, shown
from prefect._base.clock import now
from prefect.model.requests.events import EventFilter, EventOrder
from prefect.model.requests.logs import LogFilter
from prefect.server.feed import TooSlow
from prefect.server.handshake import POLICY_VIOLATION, ProtocolViolation, received
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel
    from starlette.websockets import WebSocket

    from prefect._backend.local import LocalBackend
    from prefect.model.events import ReceivedEvent
    from prefect.server.feed import Feed

    M = TypeVar("M", bound=BaseModel)

TRY_AGAIN_LATER = 1013
LONGEST_BACKFILL = timedelta(minutes=15)
_AT_ONCE = 100


async def events_out(websocket: WebSocket, backend: Callable[[], LocalBackend], feed: Feed) -> None:
    """Send the events of the last quarter of an hour that pass the client's filter, and then those that come."""
    if not get_current_settings().server.events.stream_out_enabled:
        await websocket.close(POLICY_VIOLATION, "Expected PREFECT_SERVER_EVENTS_STREAM_OUT_ENABLED=true.")
        return
    asked, message = await _filter(websocket, EventFilter)
    await until_gone(websocket, _send_events(websocket, backend, feed, asked, message.get("backfill", True)))


async def _send_events(
    websocket: WebSocket,
    backend: Callable[[], LocalBackend],
    feed: Feed,
    asked: EventFilter,
    backfill: object,
) -> None:
    with feed.events() as follower:  # before the past is read: nothing falls between the two
        sent: set[Any] = set()
        began = now()
        if backfill:
            past = event_search.found(backend().store, _recent(asked))
            while some := await run_in_threadpool(lambda: list(islice(past, _AT_ONCE))):
                for event in some:
                    sent.add(event.id)
                    await _send_event(websocket, event)
        while True:
            event = await follower.next()
            is_past = not backfill and event.received < began
            if event.id not in sent and not is_past and _is_wanted(asked, event):
                await _send_event(websocket, event)


def _recent(asked: EventFilter) -> EventFilter:
    moment = now()
    since = max(asked.occurred.since, moment - LONGEST_BACKFILL)
    occurred = asked.occurred.model_copy(update={"since": since, "until": moment})
    return asked.model_copy(update={"occurred": occurred, "order": EventOrder.ASC})


def _is_wanted(asked: EventFilter, event: ReceivedEvent) -> bool:
    """An end that the client has not named itself was now, when it asked."""
    if "until" in asked.occurred.model_fields_set and event.occurred > asked.occurred.until:
        return False
    return asked.is_about(event)


async def _send_event(websocket: WebSocket, event: ReceivedEvent) -> None:
    await websocket.send_text(f'{{"type":"event","event":{event.model_dump_json()}}}')


async def logs_out(websocket: WebSocket, feed: Feed) -> None:
    """Send the log lines that come and pass the client's filter."""
    if not get_current_settings().server.logs.stream_out_enabled:
        await websocket.close(POLICY_VIOLATION, "Expected PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED=true.")
        return
    asked, _ = await _filter(websocket, LogFilter)
    await until_gone(websocket, _send_logs(websocket, feed, asked))


async def _send_logs(websocket: WebSocket, feed: Feed, asked: LogFilter) -> None:
    with feed.logs() as follower:
        while True:
            line = await follower.next()
            if passes(asked, line):
                await websocket.send_text(f'{{"type":"log","log":{shown(line).model_dump_json()}}}')


async def _filter(websocket: WebSocket, kind: type[M]) -> tuple[M, dict[str, Any]]:
    """The client's first message: its filter, and the whole. Raises ProtocolViolation, WebSocketDisconnect."""
    message = await received(websocket)
    if message.get("type") != "filter":
        raise ProtocolViolation("Expected 'filter' message")
    try:
        return kind.model_validate(message.get("filter") or {}), message
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ProtocolViolation(f"Invalid filter: {place}: {first['msg']}"[:120]) from None


async def until_gone(websocket: WebSocket, talk: Awaitable[None]) -> None:
    """Talk until the client goes, or does not keep up. What it says meanwhile is not asked for."""
    talking = asyncio.ensure_future(talk)
    listening = asyncio.ensure_future(_silent(websocket))
    try:
        await asyncio.wait({talking, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (talking, listening):
            one.cancel()
        results = await asyncio.gather(talking, listening, return_exceptions=True)
    for result in results:
        if isinstance(result, TooSlow):
            with suppress(RuntimeError, WebSocketDisconnect):
                await websocket.close(TRY_AGAIN_LATER, "The client does not keep up.")
        elif isinstance(result, Exception):
            raise result


async def _silent(websocket: WebSocket) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
