"""The journal to a Prefect 3 server: task runs as events over a websocket, log lines by `POST /logs/`.

Nothing acknowledges an event there. What was sent is kept until the server's side of the connection has answered a
ping behind it, and is sent again after a break: events carry ids, and a server takes one once.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend.connecting import httpx_options
from prefect._backend.line import Away, Refusal
from prefect._backend.public_events import Around, events_of
from prefect._base.clock import to_datetime
from prefect.model.records import LogRecord, TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from websockets.sync.client import ClientConnection

    from prefect._backend.line import Line

    Row = tuple[Any, ...]

_FINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_MOST_LINES = 500  # in one request
_AT_ONCE = 500  # events before a ping
_OPENING, _ANSWERING = 10.0, 30.0  # seconds
_log = logging.getLogger("prefect.journal")


class PublicSink:
    """See `prefect._backend.writer.Sink`.

    Args:
        line: to the server.
        around: tells of a flow run by its id.
    """

    def __init__(self, line: Line, around: Callable[[bytes], Around | None]) -> None:
        self._line = line
        self._around = around
        self._lock = threading.RLock()
        self._sending = threading.Lock()
        self._events: deque[dict[str, Any]] = deque()
        self._lines: deque[LogRecord] = deque()
        self._sent: dict[bytes, int] = {}
        self._socket: ClientConnection | None = None
        self._held = contextlib.ExitStack()
        self.subflows: dict[
            bytes, TaskRunRecord
        ] = {}  # task runs that stand for one: the server moves them itself

    @property
    def linger_seconds(self) -> float:
        """Requests are dear there."""
        return 0.1 + min(1.0, self._line.seconds_to_next_try())

    def locked(self) -> threading.RLock:
        """The lock under which rows are taken."""
        return self._lock

    @contextlib.contextmanager
    def write(self) -> Generator[None, None, None]:
        """Everything is sent later."""
        with self._lock:
            yield

    def record(self, batch: None, rows: Sequence[Row], lines: Sequence[LogRecord]) -> None:
        """Make events of rows."""
        _ = batch
        for row in map(TaskRunRecord._make, rows):
            if row.detail is not None and '"child_flow_run_id"' in row.detail:
                self.subflows[row.id] = row
                continue
            around = self._around(row.flow_run_id) if row.flow_run_id is not None else None
            new = events_of(row, around, self._sent.get(row.id, 0))
            self._sent[row.id] = self._sent.get(row.id, 0) + len(new)
            if row.state_type in _FINAL:
                self._sent.pop(row.id, None)  # should it come again, its events have the ids that they had
            self._events.extend(new)
        self._lines.extend(lines)

    def settle(self, *, barrier: bool) -> None:
        """Send what waits; what the server does not take now stays for the next time."""
        _ = barrier
        with contextlib.suppress(Away):
            self.deliver()

    def deliver(self) -> None:
        """Send what waits. Raises Away where the server does not take it."""
        with self._sending:
            while self._events:
                self._send_events()
            while self._lines:
                some = [self._lines[place] for place in range(min(len(self._lines), _MOST_LINES))]
                self._line.require_turn()
                try:
                    self._line.post("/logs/", json.dumps([_line_json(one) for one in some]).encode())
                except Refusal as exc:
                    _log.error("%d log lines were refused. %s", len(some), exc)
                for _ in some:
                    self._lines.popleft()

    def close(self, patience: float) -> None:
        """Send the last, waiting for an absent server so many seconds, and hang up."""
        deadline = self._line.deadline(patience)
        while self._events or self._lines:
            self._line.wait(deadline)
            try:
                self.deliver()
            except Away as exc:
                if time.monotonic() >= deadline:
                    _log.error(
                        "%d events and %d log lines are lost. %s", len(self._events), len(self._lines), exc
                    )
                    break
        self._hang_up()

    def _send_events(self) -> None:
        from websockets.exceptions import WebSocketException  # only who reports to a Prefect server

        self._line.require_turn()
        some = [self._events[place] for place in range(min(len(self._events), _AT_ONCE))]
        try:
            socket = self._socket = self._socket or self._call()
            for event in some:
                socket.send(json.dumps(event))
            if not socket.ping().wait(_ANSWERING):
                raise TimeoutError("no answer to a ping")
        except (OSError, WebSocketException) as exc:
            self._hang_up()
            raise self._line.failed(f"events: {exc or type(exc).__name__}") from exc
        for _ in some:
            self._events.popleft()

    def _call(self) -> ClientConnection:
        from websockets.sync.client import connect  # only who reports to a Prefect server
        from websockets.typing import Subprotocol

        access = self._line.access
        options = httpx_options(access)
        url = f"ws{access.url.removeprefix('http')}/events/in"
        made = self._held.enter_context(
            connect(
                url,
                subprotocols=[Subprotocol("prefect")],
                additional_headers=options["headers"],
                open_timeout=_OPENING,
                ssl=_ssl(options["verify"]) if url.startswith("wss") else None,
            )
        )
        made.send(json.dumps({"type": "auth", "token": access.key or access.auth_string}))
        said = json.loads(made.recv(timeout=_ANSWERING))
        if said.get("type") != "auth_success":
            raise ConnectionError(f"the server does not let this process report events ({said})")
        return made

    def _hang_up(self) -> None:
        self._socket = None
        with contextlib.suppress(Exception):
            self._held.close()


def _ssl(verify: Any) -> Any:
    import ssl  # only for TLS

    if isinstance(verify, ssl.SSLContext):
        return verify
    made = ssl.create_default_context()
    if not verify:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


def _line_json(line: LogRecord) -> dict[str, Any]:
    return {
        "name": line.name,
        "level": line.level,
        "message": line.message,
        "timestamp": to_datetime(line.timestamp).isoformat(),
        "flow_run_id": str(UUID(bytes=line.flow_run_id)) if line.flow_run_id else None,
        "task_run_id": str(UUID(bytes=line.task_run_id)) if line.task_run_id else None,
    }
