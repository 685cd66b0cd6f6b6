"""What sockets bring is written in batches: what comes while one is on its way shares the next transaction."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_WAITING = 4000  # events in memory; from there on the sockets are not read
LINGER_SECONDS = 0.01
RETRY_SECONDS = 1.0
_log = logging.getLogger("prefect.server.events")


class Batches:
    """A queue of events and the task that empties it, in one event loop. Nothing is dropped for want of a store.

    Args:
        write: writes many events in one transaction; called in a thread, one call at a time.
    """

    def __init__(self, write: Callable[[Sequence[Any]], None]) -> None:
        self._write = write
        self._waiting: list[Any] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, event: Any) -> None:
        """Queue an event; waits while the queue is full."""
        self._waiting.append(event)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._empty())
        if len(self._waiting) >= MOST_WAITING:
            await self.settled()

    async def settled(self) -> None:
        """Wait until everything that was put is written."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _empty(self) -> None:
        await asyncio.sleep(LINGER_SECONDS)
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._written(batch)

    async def _written(self, batch: list[Any]) -> None:
        while True:
            try:
                return await asyncio.to_thread(self._write, batch)
            except StoreError as exc:  # noqa: PERF203 - the loop is for this
                _log.error("%s %d events are kept in memory and tried again.", exc, len(batch))
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as exc:
                if len(batch) == 1:
                    _left_out(batch[0], exc)
                    return None
                for one in batch:  # the others are not lost for the sake of one
                    await self._written([one])
                return None


def _left_out(event: Any, exc: Exception) -> None:
    """Say so: of what is no event in a line, whoever can send it can send many."""
    if isinstance(exc, ValueError):
        _log.warning("What came as an event is none, and was left out: %.300s", " ".join(str(exc).split()))
    else:
        _log.error("An event could not be recorded and was left out: %.2000r", event, exc_info=exc)
