"""Websockets of a server; the one by which a Prefect 3 server takes events."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

from prefect._backend.connecting import httpx_options

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from websockets.sync.client import ClientConnection

    from prefect._backend.connecting import Access
    from prefect._backend.line import Line

_OPENING, _ANSWERING = 10.0, 30.0  # seconds


class PublicSocket:
    """Opened when there is something to send, and again after a break."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()  # own events and those that a dead process has left go by one socket
        self._socket: ClientConnection | None = None
        self._held = contextlib.ExitStack()

    def send(self, events: Sequence[Any]) -> None:
        """Send events; the server's side has read them when this returns. Raises Away."""
        from websockets.exceptions import WebSocketException  # only who reports to a Prefect server

        try:
            with self._lock:
                self._send(events)
        except (OSError, ValueError, WebSocketException) as exc:
            self.hang_up()
            raise self._line.failed(f"events: {exc or type(exc).__name__}") from exc
        if self._line.is_down:
            self._line.answers()

    def _send(self, events: Sequence[Any]) -> None:
        socket = self._socket = self._socket or self._call()
        for event in events:
            socket.send(json.dumps(event))
        if not socket.ping().wait(_ANSWERING):
            raise TimeoutError("no answer to a ping")

    def _call(self) -> ClientConnection:
        return self._held.enter_context(open_socket(self._line.access, "/events/in"))

    def hang_up(self) -> None:
        """The next event opens another."""
        self._socket = None
        with contextlib.suppress(Exception):
            self._held.close()

    def abandon(self) -> None:
        """In a forked child: the parent goes on using it."""
        self._lock, self._socket, self._held = threading.Lock(), None, contextlib.ExitStack()


@contextlib.contextmanager
def open_socket(access: Access, path: str) -> Generator[ClientConnection, None, None]:
    """A websocket of a server, hands shaken.

    Args:
        access: the server, and how it lets us in.
        path: below its API.

    Raises:
        OSError, WebSocketException: there is none.
    """
    from websockets.sync.client import connect  # only who talks to a server all the time
    from websockets.typing import Subprotocol

    options = httpx_options(access)
    url = f"ws{access.url.removeprefix('http')}{path}"
    with connect(
        url,
        subprotocols=[Subprotocol("prefect")],
        additional_headers=options["headers"],
        open_timeout=_OPENING,
        ssl=_ssl(options["verify"]) if url.startswith("wss") else None,
    ) as made:
        made.send(json.dumps({"type": "auth", "token": access.key or access.auth_string}))
        said = json.loads(made.recv(timeout=_ANSWERING))
        if said.get("type") != "auth_success":
            raise ConnectionError(f"the server does not let this process in ({said})")
        yield made


def _ssl(verify: Any) -> Any:
    import ssl  # only for TLS

    if isinstance(verify, ssl.SSLContext):
        return verify
    made = ssl.create_default_context()
    if not verify:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made
