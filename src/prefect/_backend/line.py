"""The line to a server: one request at a time is tried, and who has to wait for an answer waits with back-off.

Nothing here knows what is sent. An outage is announced once, and its end too.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from prefect._backend.connecting import Access, delay_before, httpx_options, is_transient, retry_after
from prefect._backend.csrf import Csrf
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("prefect.journal")
FIRST_PATIENCE = 10.0  # for a server that has never answered this process: its URL may be wrong


CONTENT_REFUSED = frozenset((400, 409, 413, 422))


class Away(StoreError):
    """The server does not answer now, or asks to be left alone for a while."""


class Refusal(StoreError):
    """The server refuses this request, and will refuse it again."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Line:
    """Requests to one server.

    Args:
        access: where it is and how it lets us in.
        patience: how long, in seconds, somebody waits for a server that has answered before.
        refusals: statuses that are answers; other errors of a server that has answered before pass.
    """

    def __init__(
        self, access: Access, *, patience: float, refusals: frozenset[int] = CONTENT_REFUSED
    ) -> None:
        self._refusals = refusals
        self.access = access
        self.patience = patience
        self._client: httpx.Client | None = None
        self._csrf = Csrf(enabled=access.csrf)
        self._lock = threading.Lock()
        self._up = threading.Event()
        self._met = False
        self._failures = 0
        self._next_try = 0.0
        self._down_since = 0.0
        self._reason = ""
        self.times_gone = 0  # how often nobody listened there: a server that is busy does

    @property
    def is_down(self) -> bool:
        """Whether the last request was not answered."""
        return self._failures > 0

    def knows(self) -> None:
        """The server has answered this process, on another line."""
        self._met = True

    def seconds_to_next_try(self) -> float:
        """How long to leave the server alone yet."""
        return max(0.0, self._next_try - time.monotonic()) if self._failures else 0.0

    def post(self, path: str, content: bytes, *, timeout: float | None = None) -> bytes:
        """`request` with POST."""
        return self.request("POST", path, content, timeout=timeout)

    def request(
        self, method: str, path: str, content: bytes | None = None, *, timeout: float | None = None
    ) -> bytes:
        """Ask once, now.

        Raises:
            Away: there was no answer, or one that is worth a repeat.
            Refusal: there was another one.
        """
        import httpx  # 60 ms of import that programs without a server never need

        request: dict[str, Any] = {"method": method, "url": path, "content": content}
        if timeout is not None:
            request["timeout"] = timeout
        try:
            try:
                response = self._send(request)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                response = self._send(request)  # a kept connection that the server had closed
            if self._csrf.is_asked_for(response) and self._csrf.take(self._open().get(self._csrf.path)):
                response = self._send(request)
        except httpx.TransportError as exc:
            self.times_gone += isinstance(exc, httpx.ConnectError)
            raise self.failed(str(exc) or type(exc).__name__, None) from exc
        return self._read(response)

    def ask(
        self, path: str, content: bytes | None = None, *, method: str = "POST", patience: float | None = None
    ) -> bytes:
        """Ask until there is an answer, or patience (in seconds; the line's own) has come to its end.

        Raises:
            Away: it has; the message says what to do.
            Refusal: the server refuses.
        """
        deadline = self.deadline(patience)
        while True:
            self.wait(deadline)
            try:
                return self.request(method, path, content)
            except Away:
                if time.monotonic() >= deadline:
                    raise

    def _send(self, request: dict[str, Any]) -> httpx.Response:
        return self._open().request(**request, headers={**_JSON, **self._csrf.headers()})

    def deadline(self, patience: float | None = None) -> float:
        """Until when (`time.monotonic()`) somebody who begins to wait now waits: patience is for a whole outage."""
        own = self.patience if self._met else min(self.patience, FIRST_PATIENCE)
        since = self._down_since if self._failures else time.monotonic()
        return since + own if patience is None else min(since + own, time.monotonic() + patience)

    def require_turn(self) -> None:
        """Raises Away where the server is to be left alone yet."""
        if self._failures and self.seconds_to_next_try():
            raise Away(self._reason)

    def wait(self, deadline: float) -> None:
        """Leave the server alone while it is to be left alone; another thread's success ends that."""
        seconds = min(self.seconds_to_next_try(), max(0.0, deadline - time.monotonic()))
        if seconds:
            self._up.wait(seconds)

    def close(self) -> None:
        """Give the connections back."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def abandon(self) -> None:
        """In a forked child: the parent goes on using the connections."""
        self._client = None
        self._lock = threading.Lock()

    def _open(self) -> httpx.Client:
        client = self._client
        if client is None:
            import httpx  # 60 ms of import that programs without a server never need

            with self._lock:
                client = self._client = self._client or httpx.Client(**httpx_options(self.access))
        return client

    def _read(self, response: httpx.Response) -> bytes:
        status = response.status_code
        if status < 400:
            self.answers()
            return response.content
        said = f"it answered {status}: {response.text[:300]}"
        if status == 500 or is_transient(response, self.access):
            raise self.failed(said, retry_after(response.headers))
        if self._met and status not in self._refusals:
            raise self.failed(said, None)  # it knew us before: its configuration is being changed
        if status in {401, 403}:
            raise Refusal(
                f"The server {self.access.url} does not let this process in ({said}). "
                "Set PREFECT_API_KEY or PREFECT_API_AUTH_STRING to what it expects.",
                status,
            )
        raise Refusal(f"The server {self.access.url} refused a request: {said}", status)

    def answers(self) -> None:
        """Note that the server is there."""
        self._met = True
        if self._failures:
            with self._lock:
                announced, self._failures = self._failures > 1, 0
                if announced:
                    away = time.monotonic() - self._down_since
                    _log.info("The server %s answers again, after %.0f s.", self.access.url, away)
        self._up.set()

    def failed(self, reason: str, asked: float | None = None) -> Away:
        """Note that there was no answer, for `reason`; what to raise. `asked` are the seconds in `Retry-After`."""
        now = time.monotonic()
        with self._lock:
            self._up.clear()
            if self._failures and now < self._next_try:
                return Away(self._reason)  # another thread's request failed just before
            self._failures += 1
            if self._failures == 1:
                self._down_since = now
            if self._failures == 2:  # a single failure is none: a server that restarts drops its connections
                _log.warning(
                    "The server %s does not answer (%s). What is recorded meanwhile is kept, and delivered when "
                    "it is back.",
                    self.access.url,
                    reason,
                )
            self._next_try = now + delay_before(self._failures, self.access.jitter, asked)
        self._reason = (
            f"The server at PREFECT_API_URL={self.access.url} does not answer ({reason}). "
            "Start it, or correct the URL, or unset it to use the store of this machine."
        )
        return Away(self._reason)


_JSON = {"Content-Type": "application/json"}
