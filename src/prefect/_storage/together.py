"""Changes of several threads in one transaction.

Most of what a small change costs is its commit, and it costs as much for one as for eight. Whoever finds the writer
free carries out what all others wait for, and commits once.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prefect._storage.protocol import Store, Transaction

T = TypeVar("T")


class _Change(NamedTuple, Generic[T]):
    """What somebody waits for."""

    work: Callable[[Transaction], T]
    done: Future[T]

    def alone(self, store: Store) -> None:
        """Carry it out in a transaction of its own."""
        try:
            with store.write() as cx:
                result = self.work(cx)
        except Exception as exc:
            self.done.set_exception(exc)
        else:
            self.done.set_result(result)


class Together:
    """The changes that wait for the writer of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: deque[_Change[Any]] = deque()
        self._writing = threading.Lock()

    def write(self, work: Callable[[Transaction], T]) -> T:
        """See `Store.together`."""
        mine = _Change(work, Future())
        self._waiting.append(mine)
        with self._writing:
            if not mine.done.done():
                changes = [self._waiting.popleft() for _ in range(len(self._waiting))]
                try:
                    self._carry_out(changes)
                finally:  # this thread was interrupted: the others are not
                    self._waiting.extend(one for one in changes if one is not mine and not one.done.done())
        return mine.done.result()

    def _carry_out(self, changes: Sequence[_Change[Any]]) -> None:
        try:
            with self._store.write() as cx:
                results = [one.work(cx) for one in changes]
        except Exception:  # one of them is wrong: it must not take the others with it
            for one in changes:
                one.alone(self._store)
        else:
            for one, result in zip(changes, results, strict=True):
                one.done.set_result(result)
