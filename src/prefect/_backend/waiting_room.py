"""The waiting room of this process: who waits here for slots of limits, and one thread that gets them for them.

The thread looks when something was written to the store, by this process or another one. Only who is first of those
that want the same is tried: a slot that becomes free wakes one of them and not all.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from prefect._backend import slots
from prefect._backend.awaited import Awaited
from prefect._backend.slots import FREED, Never, Taken, freed
from prefect._backend.turns import Waits, leave, may_be_free, still_wait, take_in_turn
from prefect._base.clock import now_us
from prefect.exceptions import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prefect._backend.turns import Wish
    from prefect._storage.protocol import Listener, Store

    Group = tuple[Any, ...]

SIGN_SECONDS: Final = 4.0  # between two signs of life
LOOK_SECONDS: Final = 1.0  # without any news: leases run out silently, and processes die
PATIENCE_SECONDS: Final = 0.1  # that whose turn it is elsewhere is given to take what is free


class Waiter(Awaited["Taken | Never"]):
    """One who waits in this process."""

    def __init__(self, wish: Wish) -> None:
        super().__init__()
        self.wish = wish
        self.lock = threading.Lock()  # held while it is asked for: never twice at once
        self.limit_id = b""
        self.since = now_us()
        self.behind_since: float | None = None
        self.retry_at = 0.0
        self._gone = False

    @property
    def is_waiting(self) -> bool:
        """Whether it has no answer, and has not gone."""
        return not self._gone and self.answer is None

    def settle(self, answer: Taken | Never | None) -> None:
        """See `Awaited`."""
        self._gone = answer is None
        super().settle(answer)


class WaitingRoom:
    """See the module.

    Args:
        store: where the limits are.
        reap: looks for processes that have died, with slots in their hands.
    """

    def __init__(self, store: Store, reap: Callable[[], Any]) -> None:
        self._store = store
        self._reap = reap
        self._waiting: dict[bytes, Waiter] = {}
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    def ask(self, wish: Wish, *, longest_wait: float) -> Taken | Never | Waiter:
        """Take what is wished for; who cannot have it yet waits here, and is to `leave`.

        Raises:
            StoreError: the store cannot be written.
        """
        waiter = Waiter(wish)
        with waiter.lock:
            self._enter(waiter)  # first: what becomes free from now on is noticed
            try:
                answer = self._try(waiter, longest_wait=longest_wait)
            except BaseException:
                self._forget(waiter)
                waiter.settle(None)
                raise
            if isinstance(answer, (Taken, Never)):
                self._forget(waiter)
                waiter.settle(answer)  # the thread may have seen it in the room, and must not serve it too
                return answer
        self._news.set()
        return waiter

    def leave(self, waiter: Waiter, *, for_good: bool) -> None:
        """Wait no more; what was given just now is given back.

        Args:
            waiter: who.
            for_good: it does not come back with the same ticket, and loses its place.
        """
        self._forget(waiter)
        with waiter.lock:
            answer, waiter.answer = waiter.answer, None
            waiter.settle(None)
        if for_good or isinstance(answer, Taken):
            with self._store.write() as cx:
                leave(cx, waiter.wish.ticket)
                if isinstance(answer, Taken):
                    slots.give_back(cx, answer.lease_id)
                    freed(self._store)

    def close(self) -> None:
        """Nobody waits here any more: each is told that there is no answer."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = list(self._waiting.values()), {}
            thread, self._thread = self._thread, None
        for waiter in waiting:
            waiter.settle(None)
        self._news.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)

    def _enter(self, waiter: Waiter) -> None:
        with self._lock:
            if self._closed:
                waiter.settle(None)
                return
            self._waiting[waiter.wish.ticket] = waiter
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="prefect-slots", daemon=True)
                self._thread.start()

    def _forget(self, waiter: Waiter) -> None:
        with self._lock:
            if self._waiting.get(waiter.wish.ticket) is waiter:
                del self._waiting[waiter.wish.ticket]

    # --- the thread ---------------------------------------------------------------------------------

    def _serve(self) -> None:
        """Until nobody waits."""
        news = self._store.listen_closely(FREED)
        next_look = next_sign = 0.0
        try:
            while self._is_wanted():
                now = time.monotonic()
                try:
                    if now >= next_look:
                        next_look = now + LOOK_SECONDS
                        self._reap()
                    if now >= next_sign:
                        next_sign = now + SIGN_SECONDS
                        self._show_signs()
                    again = self._serve_all()
                except StoreError:  # it may be there again at the next look
                    again = LOOK_SECONDS
                self._wait(news, min(again, next_look - time.monotonic()))
        finally:
            news.close()

    def _wait(self, news: Listener, seconds: float) -> None:
        if not self._news.is_set():
            news.wait(max(0.0, seconds))
        self._news.clear()

    def _is_wanted(self) -> bool:
        with self._lock:
            if self._waiting and self._thread is threading.current_thread():
                return True
            if self._thread is threading.current_thread():
                self._thread = None
            return False

    def _serve_all(self) -> float:
        """Serve the first of each group, until one gets nothing; the seconds after which to try again."""
        again = LOOK_SECONDS
        with self._lock:
            waiting = list(self._waiting.values())
        waiting.sort(key=lambda one: (one.since, one.wish.ticket))
        for group in _groups(waiting):
            for waiter in group:
                wait = self._serve_one(waiter)
                if wait is not None:
                    again = min(again, wait)
                    break
        return again

    def _serve_one(self, waiter: Waiter) -> float | None:
        """None where it waits no more; else the seconds after which to try again."""
        with waiter.lock:
            if not waiter.is_waiting:
                return None
            wait = waiter.retry_at - time.monotonic()
            if wait > 0:  # what it tries is written, and would be news to itself
                return wait
            if waiter.wish.mode != "rate_limit" and not may_be_free(self._store, waiter.wish):
                waiter.behind_since = None
                return LOOK_SECONDS
            answer = self._try(waiter, longest_wait=LOOK_SECONDS)
            if isinstance(answer, Waits):
                wait = PATIENCE_SECONDS / 4 if answer.behind else min(answer.retry_after, LOOK_SECONDS)
                waiter.retry_at = time.monotonic() + wait
                return wait
            self._forget(waiter)
            waiter.settle(answer)
            return None

    def _try(self, waiter: Waiter, *, longest_wait: float) -> Taken | Never | Waits:
        behind = waiter.behind_since
        jump = behind is not None and time.monotonic() - behind > PATIENCE_SECONDS
        with self._store.write() as cx:
            answer = take_in_turn(cx, waiter.wish, longest_wait=longest_wait, jump=jump)
        waiter.behind_since = None
        if isinstance(answer, Waits):
            waiter.limit_id, waiter.since = answer.limit_id, answer.since
            if answer.behind:
                waiter.behind_since = behind or time.monotonic()
        return answer

    def _show_signs(self) -> None:
        with self._lock:
            waiting = [one for one in self._waiting.values() if one.limit_id]
        with self._store.write() as cx:
            still_wait(cx, [(one.wish, one.limit_id, one.since) for one in waiting])


def _groups(waiting: Iterable[Waiter]) -> list[list[Waiter]]:
    """Those who want the same, who came first first."""
    found: dict[Group, list[Waiter]] = {}
    for waiter in waiting:
        found.setdefault((waiter.wish.names, waiter.wish.mode), []).append(waiter)
    return list(found.values())
