"""A service: a round, and the thread that makes it again and again."""

from __future__ import annotations

import contextvars
import logging
import threading
from typing import TYPE_CHECKING, Final

from prefect._base.clock import now_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect._backend.local import LocalBackend

    Round = Callable[[LocalBackend, int], int]
    IsLeader = Callable[[str], bool]

BUSY_SECONDS: Final = 0.05  # before the next round, where one has left work
_log = logging.getLogger("prefect._services")


def _always(_: str) -> bool:
    return True


class Service:
    """A round every so many seconds, in a thread of its own.

    An error is logged, and the next round is made all the same.

    Args:
        name: as `prefect server services ls` shows it.
        seconds: between the end of a round and the next.
        run_once: the round: `(backend, now_us)`, answers how much it did.
        batch: how much a round does at most; where it did so much, the next one follows at once. None: no limit.
        only_leader: made by one server of several on a store.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        run_once: Round,
        *,
        batch: int | None = None,
        only_leader: bool = True,
    ) -> None:
        self.name = name
        self.seconds = seconds
        self.only_leader = only_leader
        self.done = 0  # how much all rounds have done
        self._run_once = run_once
        self._batch = batch
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether its thread is alive."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, backend: Callable[[], LocalBackend], is_leader: IsLeader = _always) -> None:
        """Make the first round now, and the others later. Nothing where it is running already.

        Args:
            backend: gives the backend; asked for each round.
            is_leader: whether this server is the one that does the service of that name.
        """
        if self.is_running:
            return
        self._stopping.clear()
        context = contextvars.copy_context()  # the settings in force here are those of the thread
        self._thread = threading.Thread(
            target=context.run,
            args=(self._run, backend, is_leader),
            name=f"prefect-{self.name}",
            daemon=True,
        )
        self._thread.start()

    def stopping(self) -> None:
        """Make no further round; returns at once."""
        self._stopping.set()

    def stop(self) -> None:
        """End the thread; returns once the round that is being made has ended."""
        self.stopping()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def round(self, backend: LocalBackend, is_leader: IsLeader = _always) -> float:
        """Make one round; how long to wait before the next, in seconds."""
        try:
            if self.only_leader and not is_leader(self.name):
                return self.seconds
            done = self._run_once(backend, now_us())
        except Exception:
            _log.exception("The service %s failed; it goes on in %.0f s", self.name, self.seconds)
            return self.seconds
        self.done += done
        if done:
            _log.debug("The service %s: %d", self.name, done)
        return BUSY_SECONDS if self._batch is not None and done >= self._batch else self.seconds

    def _run(self, backend: Callable[[], LocalBackend], is_leader: IsLeader) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._next(backend, is_leader))

    def _next(self, backend: Callable[[], LocalBackend], is_leader: IsLeader) -> float:
        try:
            asked = backend()
        except Exception:
            _log.exception("The service %s has no store; it tries again in %.0f s", self.name, self.seconds)
            return self.seconds
        return self.round(asked, is_leader)
