"""The journal to a Prefect 3 server: task runs as events over a websocket, log lines by `POST /logs/`.

Nothing acknowledges an event there. What was sent is kept until the server's side of the connection has answered a
ping behind it, and for a minute after that, as a server that is killed loses what it has read and not written. All of
it is sent again after a break: events carry ids, and a server takes one once. While the server is away everything
waits as it does for a server of ours (see `backlog`); so do requests that nobody waits for any more.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._backend.backlog import Backlog
from prefect._backend.line import Away, Refusal
from prefect._backend.public_events import Around, events_of
from prefect._backend.public_socket import PublicSocket
from prefect._backend.spill import REPORTS, Entry, put_aside
from prefect._base.clock import to_datetime
from prefect.model.records import LogRecord, TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from prefect._backend.line import Line

    Row = tuple[Any, ...]

_FINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
_AT_ONCE = 500  # events before a ping, lines in one request
_WRITTEN_AFTER = 60.0  # seconds: what a server has read so long ago it has written
_log = logging.getLogger("prefect.journal")


class PublicSink(Backlog):
    """See `prefect._backend.writer.Sink`.

    Args:
        line: to the server.
        name: of this process's file.
        folder: of such files.
        around: tells of a flow run by its id.
        max_rows: how many events and lines may wait in memory.
    """

    speech = REPORTS

    def __init__(
        self,
        line: Line,
        name: str,
        folder: Path,
        around: Callable[[bytes], Around | None],
        *,
        max_rows: int,
    ) -> None:
        super().__init__(line, name, folder, max_rows=max_rows)
        self._around = around
        self._socket = PublicSocket(line)
        self._told: dict[bytes, int] = {}  # how many states of a task run were
        self._postponed: set[int] = set()
        self._read: deque[tuple[float, Entry]] = deque()  # events that the server may not have written
        self._times_gone = 0
        self.subflows: dict[
            bytes, TaskRunRecord
        ] = {}  # task runs that stand for one: the server moves them itself

    @property
    def linger_seconds(self) -> float:
        """Requests are dear there."""
        return 0.1 + min(1.0, self._line.seconds_to_next_try())

    @contextlib.contextmanager
    def write(self) -> Generator[None, None, None]:
        """Everything is sent later."""
        with self._lock:
            yield

    def record(self, batch: None, rows: Sequence[Row], lines: Sequence[LogRecord]) -> None:
        """Make events of rows."""
        _ = batch
        found: list[dict[str, Any]] = []
        for row in map(TaskRunRecord._make, rows):
            if row.detail is not None and '"child_flow_run_id"' in row.detail:
                self.subflows[row.id] = row
                continue
            around = self._around(row.flow_run_id) if row.flow_run_id is not None else None
            new = events_of(row, around, self._told.get(row.id, 0))
            self._told[row.id] = self._told.get(row.id, 0) + len(new)
            if row.state_type in _FINAL:
                self._told.pop(row.id, None)  # should it come again, its events have the ids that they had
            found += new
        self._put("events", found)
        self._put("logs", [_line_json(line) for line in lines])

    def postpone(self, method: str, path: str, body: Any) -> None:
        """Have a request made behind everything before it, when the server is back. Nobody hears its answer.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._lock:
            self.enqueue(1, json.dumps({"request": [method, path, body]}).encode())
            self._postponed.add(self._last)
        self.settle(barrier=True)

    def has_postponed(self) -> bool:
        """Whether such a request waits: another that concerns the same run is not to overtake it."""
        return bool(self._postponed)

    def send(self, entry: Entry) -> None:
        """See `Backlog`. What is refused for good is put aside."""
        content = json.loads(entry.content)
        try:
            if "events" in content:
                self._send_events(entry, content["events"])
            elif "logs" in content:
                self._line.post("/logs/", json.dumps(content["logs"]).encode())
            else:
                method, path, body = content["request"]
                self._line.request(method, path, json.dumps(body).encode())
        except Refusal as exc:
            kept = put_aside(self._folder, entry, self._line.access.url)
            _log.error("%d rows were refused, and are kept in %s. %s", entry.weight, kept, exc)

    def deliver(self, enough: Callable[[], bool] = lambda: False) -> None:
        """See `Backlog`."""
        if self._line.times_gone != self._times_gone:
            self._times_gone = self._line.times_gone
            self._doubt()
        super().deliver(enough)

    def _send_events(self, entry: Entry, events: list[Any]) -> None:
        try:
            self._socket.send(events)
        except Away:
            self._doubt()
            raise
        with self._lock:
            self._read.append((time.monotonic(), entry))
            weight = sum(read.weight for _, read in self._read)
            while weight > self._max_rows or self._read[0][0] < self._read[-1][0] - _WRITTEN_AFTER:
                weight -= self._read.popleft()[1].weight
                if not self._read:
                    break

    def _doubt(self) -> None:
        """The server may have died: what it has read lately is sent again. Events need no order."""
        since = time.monotonic() - _WRITTEN_AFTER
        with self._lock:
            self._queue.extend(read for when, read in self._read if when >= since)
            self._read.clear()

    def sent(self, entry: Entry, said: Any) -> None:  # noqa: ARG002 - as a backlog calls it
        """See `Backlog`."""
        self._postponed.discard(entry.number)

    def close(self) -> None:
        """See `Backlog`; and hang up."""
        try:
            super().close()
        finally:
            self._socket.hang_up()

    def abandon(self) -> None:
        """See `Backlog`."""
        super().abandon()
        self._socket.abandon()

    def _put(self, kind: str, found: Sequence[Any]) -> None:
        for start in range(0, len(found), _AT_ONCE):
            some = found[start : start + _AT_ONCE]
            self.enqueue(len(some), json.dumps({kind: some}).encode())


def _line_json(line: LogRecord) -> dict[str, Any]:
    return {
        "name": line.name,
        "level": line.level,
        "message": line.message,
        "timestamp": to_datetime(line.timestamp).isoformat(),
        "flow_run_id": str(UUID(bytes=line.flow_run_id)) if line.flow_run_id else None,
        "task_run_id": str(UUID(bytes=line.task_run_id)) if line.task_run_id else None,
    }
