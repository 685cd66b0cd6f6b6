"""Following events: of a server over a websocket, or of the store of this process."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect._base.clock import now
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException
from prefect.model.events import ReceivedEvent
from prefect.model.requests.events import EventFilter, EventOccurredFilter, EventOrder
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from typing_extensions import Self

    from prefect.model.events import Event

__all__ = [
    "EventsClient",
    "PrefectEventSubscriber",
    "events_in_socket_from_api_url",
    "events_out_socket_from_api_url",
    "get_events_client",
    "get_events_subscriber",
    "http_to_ws",
]

_LOOK_SECONDS = 0.25
_BACK = timedelta(seconds=2)  # how far a look goes back for what was committed late
_REMEMBERED = 10_000


def http_to_ws(url: str) -> str:
    """The URL of a websocket at a URL of HTTP."""
    return url.replace("https://", "wss://", 1).replace("http://", "ws://", 1).rstrip("/")


def events_in_socket_from_api_url(url: str) -> str:
    """Where a server takes events."""
    return f"{http_to_ws(url)}/events/in"


def events_out_socket_from_api_url(url: str) -> str:
    """Where a server gives events."""
    return f"{http_to_ws(url)}/events/out"


class PrefectEventSubscriber:
    """Follows events: an asynchronous context manager, and an asynchronous iterator of `ReceivedEvent`.

    It begins with the events of the last minutes. When the connection is lost it connects again and goes on where it
    was.

    Args:
        api_url: of the server; that of the settings, if not given; without one, the store of this process.
        filter: which events; all, if not given.
        reconnection_attempts: how often it tries to connect again before it raises.
        reconnect_on_clean_close: also where the server has closed the connection in good order.
    """

    def __init__(
        self,
        api_url: str | None = None,
        filter: EventFilter | None = None,
        reconnection_attempts: int = 10,
        reconnect_on_clean_close: bool = False,
    ) -> None:
        self._url = api_url or get_current_settings().api.url
        self._filter = filter or EventFilter()
        self._attempts = reconnection_attempts
        self._reconnects_always = reconnect_on_clean_close
        self._seen: deque[UUID] = deque(maxlen=_REMEMBERED)
        self._ready: deque[ReceivedEvent] = deque()
        self._socket: Any = None
        self._since = self._filter.occurred.since

    @property
    def client_name(self) -> str:
        """The name of its class."""
        return type(self).__name__

    async def __aenter__(self) -> Self:
        """Raises PrefectException: the server cannot be reached, or refuses."""
        if self._url:
            await self._connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ReceivedEvent:
        while True:
            event = await (self._from_server() if self._url else self._from_store())
            if event.id not in self._seen:
                self._seen.append(event.id)
                self._since = max(self._since, event.occurred)
                return event

    async def _connect(self) -> None:
        from websockets.asyncio.client import connect  # 40 ms that only followers of a server need
        from websockets.exceptions import ConnectionClosed, InvalidHandshake  # as above
        from websockets.typing import Subprotocol  # as above

        api = get_current_settings().api
        assert self._url is not None
        try:
            self._socket = await connect(
                events_out_socket_from_api_url(self._url),
                subprotocols=[Subprotocol("prefect")],
                max_size=None,
            )
            await self._socket.send(json.dumps({"type": "auth", "token": api.key or api.auth_string}))
            answer = json.loads(await self._socket.recv())
        except (OSError, InvalidHandshake, ConnectionClosed) as exc:
            raise PrefectException(f"The events of {self._url} cannot be followed: {exc}") from exc
        if answer.get("type") != "auth_success":
            raise PrefectException(f"Expected the server to let us in, got {answer!r}.")
        asked = self._filter.model_dump(mode="json", exclude_unset=True)
        asked["occurred"] = {**asked.get("occurred", {}), "since": self._since.isoformat()}
        await self._socket.send(json.dumps({"type": "filter", "filter": asked, "backfill": True}))

    async def _from_server(self) -> ReceivedEvent:
        from websockets.exceptions import ConnectionClosed, ConnectionClosedOK  # as above

        while True:
            try:
                return ReceivedEvent.model_validate(json.loads(await self._socket.recv())["event"])
            except ConnectionClosedOK as exc:
                if not self._reconnects_always:
                    raise StopAsyncIteration from exc
            except ConnectionClosed:
                pass
            await self._reconnect()

    async def _reconnect(self) -> None:
        for attempt in range(self._attempts + 1):
            try:
                return await self._connect()
            except PrefectException:  # noqa: PERF203 - the loop is for this
                if attempt == self._attempts:
                    raise
                await asyncio.sleep(min(2**attempt / 4, 10))
        return None

    async def _from_store(self) -> ReceivedEvent:
        while not self._ready:
            occurred = EventOccurredFilter(since=self._since - _BACK, until=now() + timedelta(days=1))
            asked = self._filter.model_copy(update={"occurred": occurred, "order": EventOrder.ASC})
            async with get_client() as client:
                page = await client.read_events(asked, limit=200)
                while page.next_page is not None and all(one.id in self._seen for one in page.events):
                    page = await client.read_events_page(page.next_page)
            self._ready.extend(one for one in page.events if one.id not in self._seen)
            if not self._ready:
                await asyncio.sleep(_LOOK_SECONDS)
        return self._ready.popleft()


class EventsClient:
    """Sends events; an asynchronous context manager."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def emit(self, event: Event) -> None:
        """Record an event. Raises httpx.TransportError where the server is away."""
        async with get_client() as client:
            await client.create_events([event])


def get_events_client(reconnection_attempts: int = 10, checkpoint_every: int = 700) -> EventsClient:
    """Sends events to the server that the settings name, or into the store of this process, each at once."""
    _ = reconnection_attempts, checkpoint_every
    return EventsClient()


def get_events_subscriber(
    filter: EventFilter | None = None,
    reconnection_attempts: int = 10,
    reconnect_on_clean_close: bool = False,
) -> PrefectEventSubscriber:
    """Who follows the events of the server that the settings name, or of the store of this process."""
    return PrefectEventSubscriber(
        filter=filter,
        reconnection_attempts=reconnection_attempts,
        reconnect_on_clean_close=reconnect_on_clean_close,
    )
