"""Worker threads with slots: a worker that waits lends its slot, so that nested work always goes on.

Threads are started when there is work and no idle one; without a limit of its own a pool stops at
`UNLIMITED_THREADS`, which cannot deadlock because waiting workers do not count.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prefect.futures import slot

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    Job = Callable[[], None]

UNLIMITED_THREADS = 512


class SlotPool:
    """Runs jobs in at most `limit` threads at a time, in the order they came."""

    def __init__(self, limit: int | None, *, name: str = "prefect-worker") -> None:
        self._limit = limit or UNLIMITED_THREADS
        self._name = name
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._free = threading.Condition(self._lock)
        self._jobs: deque[Job] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle = 0  # threads that wait and have not been given a slot
        self._granted = 0  # slots given to waiting threads that have not woken up yet
        self._busy = 0  # slots taken
        self._returning = 0  # threads that lent their slot and want one again: they come first
        self._submitted = 0
        self._ended: list[list[int]] = []  # one counter a thread, so that counting takes no lock
        self._closed = False
        self._started = 0

    def submit(self, job: Job) -> None:
        """Run `job` as soon as a slot is free."""
        with self._lock:
            self._jobs.append(job)
            self._submitted += 1
            self._provide(1)

    def submit_all(self, jobs: Iterable[Job]) -> None:
        """Run many jobs, taking the lock once."""
        with self._lock:
            before = len(self._jobs)
            self._jobs.extend(jobs)
            added = len(self._jobs) - before
            self._submitted += added
            self._provide(added)

    def expect(self) -> None:
        """A job will be submitted later, when its inputs are ready; the pool is not done before."""
        with self._lock:
            self._submitted += 1

    def submit_expected(self, job: Job) -> None:
        """Now its inputs are ready."""
        with self._lock:
            self._jobs.append(job)
            self._provide(1)

    def wait_until_done(self, timeout: float | None = None) -> bool:
        """Wait until nothing is queued, expected or running; False if that took longer than `timeout` seconds."""
        with self._lock:
            return self._free.wait_for(lambda: self._unfinished == 0, timeout)

    @property
    def _unfinished(self) -> int:
        """How many jobs are queued, expected or running."""
        return self._submitted - sum(counter[0] for counter in self._ended)

    def drop_queued(self) -> list[Job]:
        """Take back what has not been started."""
        with self._lock:
            dropped = list(self._jobs)
            self._jobs.clear()
            self._submitted -= len(dropped)
            self._free.notify_all()
        return dropped

    def close(self) -> None:
        """Let the threads end when their work is done."""
        with self._lock:
            self._closed = True
            self._work.notify_all()

    @contextmanager
    def lend(self) -> Generator[None, None, None]:
        """Give this worker's slot away inside the block, and take one again behind it."""
        with self._lock:
            self._busy -= 1
            self._provide(1)
        try:
            yield
        finally:
            with self._lock:
                self._returning += 1
                self._free.wait_for(lambda: self._busy < self._limit)
                self._returning -= 1
                self._busy += 1

    def _provide(self, wanted: int) -> None:
        """Give slots to waiting threads, or start new ones, for new jobs; the lock is held."""
        wanted = min(wanted, len(self._jobs), self._limit - self._busy - self._returning)
        if wanted <= 0:
            return
        waking = min(wanted, self._idle)
        self._busy += wanted
        self._idle -= waking
        self._granted += waking
        self._work.notify(waking)
        for _ in range(wanted - waking):
            self._started += 1
            thread = threading.Thread(target=self._run, name=f"{self._name}-{self._started}", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _run(self) -> None:
        slot.lend = self.lend
        ended = [0]
        with self._lock:
            self._ended.append(ended)
        jobs = self._jobs
        while True:
            try:
                # this thread holds a slot; popping takes no lock, unless somebody wants the slot back
                job = self._next() if self._returning else jobs.popleft()
            except IndexError:
                job = self._next()
            if job is None:
                break
            job()
            del job
            ended[0] += 1
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _next(self) -> Job | None:
        """Give the slot back and wait for a job and a slot; None when the pool is closed."""
        with self._lock:
            while not self._jobs or self._busy > self._limit - self._returning:
                self._busy -= 1
                self._free.notify_all()
                self._idle += 1
                self._work.wait_for(lambda: self._granted or self._closed)
                if not self._granted:
                    return None
                self._granted -= 1
            return self._jobs.popleft()
