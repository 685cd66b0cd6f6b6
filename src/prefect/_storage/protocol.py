"""What a store must be able to do, whatever database is underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import sqlite3
    import threading
    from collections.abc import Sequence
    from contextlib import AbstractContextManager


class Store(Protocol):
    """Transactions and queries. SQL is written once, with `?` placeholders; the nouns' modules hold it."""

    def write(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction that holds the writer's lock from its first statement."""
        ...

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query; never waits for a writer."""
        ...

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        ...

    def changed_elsewhere(self) -> int:
        """A number that changes when somebody else has written."""
        ...

    def locked(self) -> threading.RLock:
        """The lock of this process's writers."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...

    def abandon(self) -> None:
        """In a forked child: forget everything without touching it."""
        ...
