"""A task run is a transaction: what it and the tasks it calls do is committed or rolled back (behaviour 60).

Most task runs need none of this. One that persists its result, has commit or roll-back hooks, calls such a
task or asks for its transaction is given one, for the attempt that is running.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect._base.clock import now
from prefect._base.drive import Call
from prefect._base.faultpoint import reach
from prefect._base_transaction import BaseTransaction, TransactionState, enclosing
from prefect.transactions import AsyncTransaction, Transaction

if TYPE_CHECKING:
    import logging
    from collections.abc import Generator

    from prefect._engine.task_call import TaskCall
    from prefect.results import ResultRecord, ResultStore

    Run = Generator[Any, Any, Any]


class TaskTransaction(BaseTransaction):
    """The transaction of one attempt of a task run."""

    def __init__(self, call: TaskCall, **options: Any) -> None:
        super().__init__(**options)
        self.found: ResultRecord | None = None
        self._call = call

    @property
    def logger(self) -> logging.LoggerAdapter[Any]:
        """The logger of the task run."""
        return self._call.logger()

    def settle(self, value: Any) -> Run:
        """The attempt has succeeded: commit, unless that is left to a transaction around it."""
        task, record = self._call.task, value
        if self.store is not None and not self.is_committed():
            from prefect._engine import persistence  # loaded: there is a store

            record = persistence.record_of(self._call, self, value)
        self.stage(record, task.on_rollback_hooks, task.on_commit_hooks)
        try:
            yield from self._conclude()
        finally:
            self._unlock()

    def abandon(self) -> Run:
        """The attempt has failed: roll back what it has done. Another one begins anew."""
        self._call.transaction = None
        self._open = False
        try:
            yield from self._undo()
        finally:
            self._unlock()

    def take_part_again(self) -> None:
        """A replayed run joins the transaction around it, to be rolled back with it."""
        self._open = False
        if self._parent is not None:
            self.stage(self._call.value, self._call.task.on_rollback_hooks, self._call.task.on_commit_hooks)

    def _is_recorded(self, store: ResultStore, key: str) -> Generator[Any, Any, bool]:
        """Whether the key holds a result that can be used; if not, whatever is wrong, the task runs."""
        try:
            record = yield Call(store.read, (key, self._holder), afn=store.aread)
        except (ValueError, FileNotFoundError):  # there is none
            return False
        except Exception as exc:
            self.logger.warning(
                "The cached result under key '%s' cannot be read, the task runs: %s", key, exc
            )
            return False
        if record.expiration is not None and record.expiration <= now():
            return False
        self.found = record
        return True

    def _write(self) -> Run:
        """Write the result; one that cannot be written is told, and the run goes on (behaviour 59)."""
        if self.store is None:
            return
        reach("task_run.before_result_write")
        try:
            yield from super()._write()
        except Exception as exc:
            self.logger.warning(
                "The result of task '%s' could not be persisted: %s", self._call.task.name, exc
            )
            self._call.forget_persisted()
        reach("task_run.after_result_write")

    def _undo(self) -> Generator[Any, Any, bool]:
        """A run that had completed says that it was rolled back, and is not replayed."""
        had_completed = self.is_staged()
        undone = yield from super()._undo()
        if had_completed and self._call.done:
            self._call.forget_persisted()
            self._call.result_blob = None
            self._call.transition("COMPLETED", "RolledBack")
        return undone


class _OfSync(TaskTransaction, Transaction):
    """The transaction of a synchronous task run."""


class _OfAsync(TaskTransaction, AsyncTransaction):
    """The transaction of an asynchronous task run."""


def begin(call: TaskCall, **options: Any) -> TaskTransaction:
    """A transaction for an attempt, inside that of the code that has called the task."""
    made = (_OfAsync if call.task.isasync else _OfSync)(call, **options)
    made.join(enclosing(call.caller))
    made.state, made._open = TransactionState.ACTIVE, True
    return made
