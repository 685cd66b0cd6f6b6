"""Events on their way to a server: a queue, and a thread that empties it. Nobody who emits waits for the network."""

from __future__ import annotations

import atexit
import contextvars
import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from prefect.client.orchestration import get_client

if TYPE_CHECKING:
    from prefect.model.events import Event

MOST_WAITING: Final = 10_000
AT_ONCE: Final = 200
RETRY_SECONDS: Final = 1.0
LAST_SECONDS: Final = 5.0  # how long the end of the process waits for the rest
_log = logging.getLogger("prefect.events")


class Sender:
    """See the module."""

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._wake = threading.Event()
        self._empty = threading.Event()
        self._closed = False
        # the settings in force are those of whoever emits first
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="prefect-events", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        """Queue an event; the oldest one is left out, with a warning, where too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            lost = self._waiting.popleft()
            _log.warning("The server is away and %d events wait: %s is left out.", MOST_WAITING, lost.event)
        self._empty.clear()
        self._waiting.append(event)
        self._wake.set()

    def close(self) -> None:
        """Send what is left, for as long as that may take."""
        self._closed = True
        self._wake.set()
        if self._waiting and not self._empty.wait(LAST_SECONDS):
            _log.warning("%d events were not sent: the server does not answer.", len(self._waiting))

    def settle(self, seconds: float) -> bool:
        """Wait until nothing waits; False if that took longer."""
        return not self._waiting or self._empty.wait(seconds)

    def _run(self) -> None:
        while not self._closed or self._waiting:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                some = [self._waiting[place] for place in range(min(AT_ONCE, len(self._waiting)))]
                if self._send(some):
                    for _ in some:
                        self._waiting.popleft()
                else:
                    self._wake.wait(RETRY_SECONDS)
            self._empty.set()

    def _send(self, events: list[Event]) -> bool:
        try:
            with get_client(sync_client=True) as client:
                client.create_events(events)
        except Exception as exc:  # whatever keeps them from being sent, they are tried again
            _log.debug("Events are not sent yet: %s", exc)
            return False
        return True


_sender: Sender | None = None
_lock = threading.Lock()


def sender() -> Sender:
    """The sender of this process, started when first asked for."""
    global _sender
    with _lock:
        if _sender is None:
            _sender = Sender()
            atexit.register(_sender.close)
        return _sender


def _after_fork() -> None:
    """A child has no thread of its parent's; what waits there is the parent's to send."""
    global _sender, _lock
    _sender, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
