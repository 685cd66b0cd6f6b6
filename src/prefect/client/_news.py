"""Waiting for something of a flow run: a state that it enters, or what is sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from prefect._base.drive import Sleep
from prefect.client._use import Using

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect._backend.protocol import Backend

PATIENCE_SECONDS: Final = 5.0  # that a request waits: a thread that is told to stop does so between two


class News:
    """Waits between two looks at a run: a server of ours says when it is worth another one.

    Args:
        backend: of the run.
        run_id: which.
        poll_interval: seconds between two looks, where the backend has none of its own.
    """

    def __init__(self, backend: Backend, run_id: UUID, poll_interval: float) -> None:
        self._seconds = backend.look_seconds or poll_interval
        self._tells = backend.tells_news
        self._run_id = run_id
        self._seen = ""

    def wait(self, seconds: float) -> Generator[Any, Any, None]:
        """Until there may be news, or for so many seconds. What has come before the first wait may be news of it."""
        if self._tells:
            from httpx import HTTPError  # only where a server is asked

            patience = min(seconds, PATIENCE_SECONDS)
            ask = Using(
                None, "await_flow_run_news", flow_run_id=self._run_id, seen=self._seen, patience=patience
            )
            try:
                self._seen = yield ask
            except (OSError, HTTPError):
                self._tells = False  # looking again and again does it, too
            else:
                return
        yield Sleep(min(self._seconds, seconds))
