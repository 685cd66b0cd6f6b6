"""Transactions: what several tasks write is committed together, or rolled back together (behaviour 60).

Inside `with transaction():` tasks that have finished wait for the end of the block: it commits them, or rolls
them back if it raises. A task run is such a block for the tasks it calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from prefect._base import current
from prefect._base.drive import drive, drive_async
from prefect._base.isolation import IsolationLevel
from prefect._base_transaction import BaseTransaction, CommitMode, TransactionState, enclosing

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from prefect.results import ResultRecord, ResultStore

    Logger = logging.Logger | logging.LoggerAdapter[Any]
    Hook = Callable[..., Any]

__all__ = [
    "AsyncTransaction",
    "BaseTransaction",
    "CommitMode",
    "IsolationLevel",
    "Transaction",
    "TransactionState",
    "atransaction",
    "get_transaction",
    "transaction",
]


class Transaction(BaseTransaction):
    """A transaction of synchronous code: `with transaction() as txn:`."""

    def __enter__(self) -> Self:
        return drive(self._enter())

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        drive(self._exit(exc))

    def begin(self) -> None:
        """Begin: it is committed at once where its key is there already.

        Raises:
            ConfigurationError: SERIALIZABLE is asked for, and the store has no lock manager.
        """
        drive(self._begin())

    def read(self) -> ResultRecord | None:
        """What is recorded under the key; None without a key."""
        return drive(self._read())

    def reset(self) -> None:
        """Let others have the key."""
        self._unlock()

    def commit(self) -> bool:
        """Commit now; False where it had ended already, or could not be written and was rolled back."""
        return drive(self._commit())

    def rollback(self) -> bool:
        """Roll back now, with the transactions inside and around; False where it had ended already."""
        return drive(self._rollback())

    def run_hook(self, hook: Hook, hook_type: str) -> None:
        """Call a hook ("commit" or "rollback") with this transaction, and log it."""
        drive(self._run_hook(hook, hook_type))


class AsyncTransaction(BaseTransaction):
    """A transaction of asynchronous code: `async with atransaction() as txn:`."""

    def __enter__(self) -> NoReturn:
        raise NotImplementedError("Expected `async with` for an asynchronous transaction, got `with`.")

    def __exit__(self, *_: object) -> None:
        """Never reached: `__enter__` raises."""

    async def __aenter__(self) -> Self:
        return await drive_async(self._enter())

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await drive_async(self._exit(exc))

    async def begin(self) -> None:
        """The async form of `Transaction.begin`."""
        await drive_async(self._begin())

    async def read(self) -> ResultRecord | None:
        """The async form of `Transaction.read`."""
        return await drive_async(self._read())

    async def reset(self) -> None:
        """The async form of `Transaction.reset`."""
        self._unlock()

    async def commit(self) -> bool:
        """The async form of `Transaction.commit`."""
        return await drive_async(self._commit())

    async def rollback(self) -> bool:
        """The async form of `Transaction.rollback`."""
        return await drive_async(self._rollback())

    async def run_hook(self, hook: Hook, hook_type: str) -> None:
        """The async form of `Transaction.run_hook`."""
        await drive_async(self._run_hook(hook, hook_type))


def get_transaction() -> BaseTransaction | None:
    """The transaction that this code is part of: the innermost block, else that of the task run; or None."""
    return enclosing(current.scope())


def transaction(  # noqa: PLR0917 - the public signature
    key: str | None = None,
    store: ResultStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    logger: Logger | None = None,
) -> Transaction:
    """A block whose tasks are committed together at its end, or rolled back together if it raises.

    Args:
        key: under which name a staged value is recorded; the block can ask whether it is (`is_committed`).
        store: where; by default the result store of the run.
        commit_mode: EAGER commits at the end of the block, LAZY (default) with the outermost one, OFF never.
        isolation_level: SERIALIZABLE keeps others from the key meanwhile.
        overwrite: begin although the key is recorded, and write it anew.
        write_on_commit: False keeps the staged value out of the store.
        logger: what the hooks' doings are logged to.

    Raises:
        ConfigurationError: SERIALIZABLE is asked for, and the store has no lock manager.
    """
    return Transaction(
        store=store,
        key=key,
        commit_mode=commit_mode,
        isolation_level=isolation_level,
        overwrite=overwrite,
        write_on_commit=write_on_commit,
        logger=logger,
    )


def atransaction(  # noqa: PLR0917 - the public signature
    key: str | None = None,
    store: ResultStore | None = None,
    commit_mode: CommitMode | None = None,
    isolation_level: IsolationLevel | None = None,
    overwrite: bool = False,
    write_on_commit: bool = True,
    logger: Logger | None = None,
) -> AsyncTransaction:
    """The async form of `transaction`, for `async with`."""
    return AsyncTransaction(
        store=store,
        key=key,
        commit_mode=commit_mode,
        isolation_level=isolation_level,
        overwrite=overwrite,
        write_on_commit=write_on_commit,
        logger=logger,
    )
