"""What a store must be able to do, whatever database is underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from prefect._storage.bulk import Bulk
    from prefect._storage.migrate import Migration


Row = tuple[Any, ...]
T = TypeVar("T")


class Size(NamedTuple):
    """Of a store, in bytes: all of it, what of that is free for new rows, and its write-ahead log."""

    total: int
    free: int
    wal: int


class Cursor(Protocol):
    """The answer to a statement."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class Queries(Protocol):
    """What can be read from: a store, or a transaction in it."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query."""
        ...

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        ...


class Transaction(Queries, Protocol):
    """Statements that are committed together."""

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> Cursor:
        """One statement."""
        ...

    def insert_many(self, head: str, tail: str, rows: Sequence[Row], width: int) -> None:
        """`head VALUES (…), (…) tail` for rows of `width` values, in as few statements as may be."""
        ...

    def for_update(self, of: str, *, skip_locked: bool = False) -> str:
        """What a SELECT ends with whose rows decide what this transaction writes: nobody else changes them meanwhile.

        Args:
            of: the table, or its alias, whose rows are held.
            skip_locked: leave out rows that somebody else holds, instead of waiting: how several processes claim work.
        """
        ...

    def for_share(self, of: str) -> str:
        """The same for rows that must only stay as they are: others may hold them in this way too."""
        ...

    def used_bytes(self) -> int:
        """What the rows take, without the space that is free for new ones; in Postgres an estimate."""
        ...


class Listener(Protocol):
    """Somebody who wants to be woken, from the moment that it was made. Not for several threads at once."""

    def wait(self, timeout: float) -> str | None:
        """What was said last since the call before; None where nothing was within `timeout` seconds.

        Several wake-ups may come as one, and one for nothing (empty): look at the rows, not at the payload, for truth.
        """
        ...

    def close(self) -> None:
        """Be woken no more; whoever waits in another thread gets None."""
        ...


class Store(Queries, Protocol):
    """Transactions and queries. SQL is written once, with `?` placeholders; the nouns' modules hold it."""

    name: str
    """What people call it: the file, or the URL without the password."""

    blocks: bool
    """Whether what it is asked goes over a network: an event loop is not to wait for that."""

    def write(self) -> AbstractContextManager[Transaction]:
        """A transaction that holds the writer's lock from its first statement."""
        ...

    def together(self, work: Callable[[Transaction], T]) -> T:
        """A small change that may share its transaction with those of other threads: they are committed once.

        Args:
            work: makes the change, and nothing but rows; where another one fails, it is called again. Not for rows
                that another server may insert too: two servers would wait for each other.

        Returns:
            What `work` returns, once that is committed. Not to be called within a transaction.

        Raises:
            StoreError: it cannot be written; and whatever `work` raises.
        """
        ...

    def changed_elsewhere(self) -> int:
        """A number that changes when somebody else has written."""
        ...

    def changed(self) -> int:
        """A number that changes when anybody has written, this process too."""
        ...

    def locked(self) -> threading.RLock:
        """The lock of this process's writers."""
        ...

    def leads(self, name: str) -> bool:
        """Whether this process is, just now, the one of all on the store that does the work of that name.

        Ask before each round. Another one leads when this one dies, loses its connection or does not ask for half a
        minute; a round that is being done then overlaps with its first, and must bear that.
        """
        ...

    def notify(self, channel: str, payload: str = "") -> None:
        """Wake the listeners of a channel in every process, once the transaction that this is part of is committed.

        Args:
            channel: an identifier.
            payload: for who listens; up to 7,000 bytes.
        """
        ...

    def listen(self, channel: str) -> Listener:
        """Be woken by `notify`. Look at the rows after this, then wait: so nothing is missed in between."""
        ...

    def listen_closely(self, channel: str) -> Listener:
        """The same within 5 ms; where the store shows that it was written to, whether or not `notify` was called."""
        ...

    def stir(self) -> None:
        """Who listens closely in this process looks at once, or at the end of the transaction that this is part of."""
        ...

    def database(self) -> str:
        """The product underneath, and its version."""
        ...

    def version(self) -> int:
        """The schema version of the tables; 0 where there are none."""
        ...

    def upgrade(self) -> list[Migration]:
        """Bring the tables to this package's version; what was applied, in order."""
        ...

    def tables(self) -> list[str]:
        """The names of the tables."""
        ...

    def size(self) -> Size:
        """How much it takes."""
        ...

    def bulk(self, *, write: bool) -> AbstractContextManager[Bulk]:
        """A transaction over whole tables, for reading them at one moment or for writing them."""
        ...

    def vacuum(self) -> None:
        """Give the space of deleted rows back to the file system. Nobody can write meanwhile."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...

    def abandon(self) -> None:
        """In a forked child: forget everything without touching it."""
        ...
