"""What happens, as it happens, for those who follow it: events and log lines.

Task runs and log lines that this process writes are told by the journal. What else is new (events, states of flow
runs, lines that other processes write) is looked for a few times a second, while anybody follows; each look goes
back a little, so that what was committed late is not missed, and nobody is told twice.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from prefect._api import event_views
from prefect._base.clock import now_us
from prefect._storage import clauses, events, flow_run_events, logs
from prefect._storage.pruning import first_id_at
from prefect.exceptions import StoreError
from prefect.model.records import LogRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from prefect._backend.local import LocalBackend
    from prefect._backend.writer import Observer
    from prefect.model.events import ReceivedEvent
    from prefect.model.records import TaskRunRecord

LOOK_SECONDS = 0.25
BACK_US = 2_000_000
MOST_BEHIND = 10_000  # events or lines that a follower may be behind
MOST_REMEMBERED = 50_000

T = TypeVar("T")


class TooSlow(Exception):
    """A follower does not keep up."""


class Follower(Generic[T]):
    """One who follows: what is new waits here, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[T] = asyncio.Queue(MOST_BEHIND)
        self._lost = False

    def tell(self, news: Iterable[T]) -> None:
        """Add what is new."""
        try:
            for one in news:
                self._queue.put_nowait(one)
        except asyncio.QueueFull:
            self._lost = True

    async def next(self) -> T:
        """What comes next; waits for it. Raises TooSlow where something was left out."""
        if self._lost:
            raise TooSlow
        return await self._queue.get()


class Feed:
    """The news of one store, in one event loop."""

    def __init__(self, backend: Callable[[], LocalBackend]) -> None:
        self._backend = backend
        self._of_events: set[Follower[ReceivedEvent]] = set()
        self._of_logs: set[Follower[LogRecord]] = set()
        self._told: dict[bytes, None] = {}
        self._newest_state: dict[bytes, int] = {}
        self._looking: asyncio.Task[None] | None = None
        self._observed: LocalBackend | None = None
        self._observer: Observer | None = None
        self._began = 0

    @contextmanager
    def events(self) -> Generator[Follower[ReceivedEvent], None, None]:
        """Follow events."""
        with self._followed(self._of_events) as follower:
            yield follower

    @contextmanager
    def logs(self) -> Generator[Follower[LogRecord], None, None]:
        """Follow log lines."""
        with self._followed(self._of_logs) as follower:
            yield follower

    @contextmanager
    def _followed(self, followers: set[Follower[T]]) -> Generator[Follower[T], None, None]:
        follower = Follower[T]()
        followers.add(follower)
        if self._looking is None:
            self._start()
        try:
            yield follower
        finally:
            followers.discard(follower)
            if not self._of_events and not self._of_logs:
                self._stop()

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._began = now_us()
        self._observed = self._backend()

        def observer(rows: Sequence[TaskRunRecord], lines: Sequence[LogRecord]) -> None:
            loop.call_soon_threadsafe(self._observe, rows, lines)

        self._observer = observer
        self._observed.journal.add_observer(observer)
        self._looking = loop.create_task(self._look_again_and_again())

    def _stop(self) -> None:
        assert self._looking is not None
        assert self._observed is not None
        assert self._observer is not None
        self._looking.cancel()
        self._looking = None
        self._observed.journal.remove_observer(self._observer)
        self._told.clear()
        self._newest_state.clear()

    def _observe(self, rows: Sequence[TaskRunRecord], lines: Sequence[LogRecord]) -> None:
        if self._of_events:
            self._tell_events([event for row in rows for event in self._new_states(row)])
        if self._of_logs:
            self._tell_logs(lines)

    def _new_states(self, run: TaskRunRecord) -> list[ReceivedEvent]:
        """A row may bring several states at once, and come again with those that were told."""
        since = self._newest_state.get(run.id, self._began - BACK_US)
        self._newest_state[run.id] = max(since, run.state_timestamp)
        _forget_oldest(self._newest_state)
        return event_views.of_task_run(run, since)

    async def _look_again_and_again(self) -> None:
        while True:
            since = now_us() - BACK_US
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(StoreError):  # the next look goes as far back as this one
                await self._look(since)

    async def _look(self, since: int) -> None:
        if self._of_events:
            self._tell_events(await asyncio.to_thread(self._read_events, since))
        if self._of_logs:
            self._tell_logs(await asyncio.to_thread(self._read_logs, since))

    def _read_events(self, since: int) -> list[ReceivedEvent]:
        store = self._backend().store
        emitted = events.find(
            store, [clauses.compare("received", ">=", since)], order="received, id", limit=MOST_BEHIND
        )
        found = [event_views.emitted(row) for row in emitted if row.id not in self._told]
        new = [id for id in flow_run_events.entered_since(store, since) if id not in self._told]
        for start in range(0, len(new), 500):
            wanted = clauses.any_of("s.id", new[start : start + 500])
            bound = clauses.compare("s.timestamp", ">=", since)
            rows = flow_run_events.find(store, [bound, wanted], order="s.timestamp, s.id", limit=500)
            found += event_views.of_flow_runs(store, rows)
        return found

    def _read_logs(self, since: int) -> list[LogRecord]:
        recent = clauses.compare("id", ">=", first_id_at(since))
        return logs.select(self._backend().store, [recent], limit=MOST_BEHIND)

    def _tell_events(self, found: Sequence[ReceivedEvent]) -> None:
        new = [event for event in found if self._is_new(event.id.bytes)]
        for follower in self._of_events if new else ():
            follower.tell(new)

    def _tell_logs(self, lines: Sequence[LogRecord]) -> None:
        new = [line for line in lines if self._is_new(line.id)]
        for follower in self._of_logs if new else ():
            follower.tell(new)

    def _is_new(self, id: bytes) -> bool:
        if id in self._told:
            return False
        self._told[id] = None
        _forget_oldest(self._told)
        return True


def _forget_oldest(remembered: dict[bytes, T]) -> None:
    if len(remembered) > MOST_REMEMBERED:
        for id in list(islice(remembered, MOST_REMEMBERED // 10)):
            del remembered[id]
