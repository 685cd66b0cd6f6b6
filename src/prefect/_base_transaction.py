"""What a transaction does (behaviour 60), written once: generators that yield effects.

A transaction inside another one is its child: it is committed when the outermost one is, unless it is EAGER.
A roll-back goes down to the children and up to the parents. A task run is a transaction as well.
"""

from __future__ import annotations

import copy
from enum import Enum
from typing import TYPE_CHECKING, Any

from prefect._base import current
from prefect._base.drive import Call
from prefect._base.isolation import IsolationLevel
from prefect._base.notset import NotSet
from prefect.exceptions import ConfigurationError
from prefect.logging.loggers import get_logger

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator
    from contextvars import Token

    from typing_extensions import Self

    from prefect.results import ResultRecord, ResultStore

    Logger = logging.Logger | logging.LoggerAdapter[Any]
    Hook = Callable[..., Any]


class CommitMode(str, Enum):
    """When a transaction is committed."""

    EAGER = "EAGER"  # at its own end, whatever becomes of the one around it
    LAZY = "LAZY"  # together with the outermost one
    OFF = "OFF"  # never: the outermost one is rolled back at its end


class TransactionState(str, Enum):
    """How far a transaction has come."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    STAGED = "STAGED"
    COMMITTED = "COMMITTED"
    ROLLED_BACK = "ROLLED_BACK"


_FINAL = frozenset((TransactionState.COMMITTED, TransactionState.ROLLED_BACK))


class BaseTransaction:
    """What synchronous and asynchronous transactions share.

    Args:
        store: where the staged value is written, and found again.
        key: under which name; without one nothing is written.
        children: the transactions that were begun inside this one.
        commit_mode: when to commit; by default as the parent, or else LAZY.
        isolation_level: SERIALIZABLE keeps others from the key meanwhile; by default as the parent.
        state: how far it has come.
        on_commit_hooks: called with the transaction before it is committed, in order; one that fails undoes it.
        on_rollback_hooks: called with the transaction when it is rolled back, the last one first.
        overwrite: begin although the key is there, and write it anew.
        logger: what the hooks' doings are logged to.
        write_on_commit: False keeps the staged value out of the store.
    """

    def __init__(  # noqa: PLR0917 - the public signature
        self,
        store: ResultStore | None = None,
        key: str | None = None,
        children: list[BaseTransaction] | None = None,
        commit_mode: CommitMode | None = None,
        isolation_level: IsolationLevel | str | None = None,
        state: TransactionState = TransactionState.PENDING,
        on_commit_hooks: list[Hook] | None = None,
        on_rollback_hooks: list[Hook] | None = None,
        overwrite: bool = False,
        logger: Logger | None = None,
        write_on_commit: bool = True,
    ) -> None:
        self.store = store
        self.key = key
        self.children = children or []
        self.commit_mode = None if commit_mode is None else CommitMode(commit_mode)
        self.isolation_level = None if isolation_level is None else IsolationLevel(isolation_level)
        self.state = state
        self.on_commit_hooks = list(on_commit_hooks or ())
        self.on_rollback_hooks = list(on_rollback_hooks or ())
        self.overwrite = overwrite
        self.write_on_commit = write_on_commit
        self._logger = logger
        self._values: dict[str, Any] = {}
        self._staged: Any = None
        self._parent: BaseTransaction | None = None
        self._scope: Any = None
        self._token: Token[Any] | None = None
        self._holder: str | None = None
        self._open = False  # its code is running: nobody else decides what becomes of it

    @property
    def logger(self) -> Logger:
        """What the hooks' doings are logged to."""
        return self._logger or get_logger("transactions")

    @classmethod
    def get_active(cls) -> BaseTransaction | None:
        """The transaction that this code is part of, or None."""
        return enclosing(current.scope())

    def is_committed(self) -> bool:
        """Whether it is committed, or its key was there when it began."""
        return self.state is TransactionState.COMMITTED

    def is_rolled_back(self) -> bool:
        """Whether it was rolled back."""
        return self.state is TransactionState.ROLLED_BACK

    def is_staged(self) -> bool:
        """Whether its value is known and waits for the commit."""
        return self.state is TransactionState.STAGED

    def is_pending(self) -> bool:
        """Whether it has not begun."""
        return self.state is TransactionState.PENDING

    def is_active(self) -> bool:
        """Whether it has begun and nothing is staged."""
        return self.state is TransactionState.ACTIVE

    def set(self, name: str, value: Any) -> None:
        """Keep a value for the code and the hooks of this transaction."""
        self._values[name] = value

    def get(self, name: str, default: Any = NotSet) -> Any:
        """A value of this transaction, or a copy of a parent's.

        Raises:
            ValueError: there is none of that name, and no default.
        """
        if name in self._values:
            return self._values[name]
        if self._parent is not None:
            return copy.deepcopy(self._parent.get(name, default))
        if default is NotSet:
            raise ValueError(f"Could not retrieve value for unknown key: {name}")
        return default

    def get_parent(self) -> BaseTransaction | None:
        """The transaction around this one."""
        return self._parent

    def add_child(self, transaction: BaseTransaction) -> None:
        """Let another transaction share the fate of this one."""
        self.children.append(transaction)

    def stage(
        self,
        value: Any,
        on_rollback_hooks: list[Hook] | None = None,
        on_commit_hooks: list[Hook] | None = None,
    ) -> None:
        """Say what is to be written, and what is to be called, when the transaction ends.

        A transaction that is committed already is left as it is.
        """
        if self.is_committed():
            return
        self._staged = value
        self.on_rollback_hooks += on_rollback_hooks or ()
        self.on_commit_hooks += on_commit_hooks or ()
        self.state = TransactionState.STAGED

    def prepare_transaction(self) -> None:
        """Find the transaction around, and take over what is not said here."""
        self._scope = current.scope()
        self.join(enclosing(self._scope))

    def join(self, parent: BaseTransaction | None) -> None:
        """Be a child of `parent`, and do as it does where nothing else is said."""
        self._parent = parent
        if parent is not None:
            parent.add_child(self)
        if self.commit_mode is None:
            self.commit_mode = CommitMode.LAZY if parent is None else parent.commit_mode
        if self.isolation_level is None:
            self.isolation_level = IsolationLevel.READ_COMMITTED if parent is None else parent.isolation_level

    def _enter(self) -> Generator[Any, Any, Self]:
        self.prepare_transaction()
        yield from self._begin()
        self._token = current.transaction.set(self)
        return self

    def _exit(self, exc: BaseException | None) -> Generator[Any, Any, None]:
        if self._token is not None:
            current.transaction.reset(self._token)
            self._token = None
        try:
            if exc is not None:
                self._open = False
                yield from self._rollback()
            else:
                yield from self._conclude()
        finally:
            self._unlock()

    def _begin(self) -> Generator[Any, Any, None]:
        """Look whether the key is there; SERIALIZABLE has the key for itself from here on."""
        if self.key is not None and self.store is None:
            from prefect.results import get_result_store  # 150 ms of import that only keys need

            self.store = get_result_store()
        self.state = TransactionState.ACTIVE
        self._open = True
        if self.key is None or self.store is None:
            return
        yield from self._lock(self.store, self.key)
        try:
            if not self.overwrite and (yield from self._is_recorded(self.store, self.key)):
                self.state = TransactionState.COMMITTED
        except BaseException:
            self._unlock()
            raise

    def _is_recorded(self, store: ResultStore, key: str) -> Generator[Any, Any, bool]:
        return (yield Call(store.exists, (key,), afn=store.aexists))

    def _lock(self, store: ResultStore, key: str) -> Generator[Any, Any, None]:
        if self.isolation_level is not IsolationLevel.SERIALIZABLE or self._holder is not None:
            return
        if not store.supports_isolation_level(IsolationLevel.SERIALIZABLE):
            raise ConfigurationError(
                "Isolation level SERIALIZABLE is not supported by provided configuration. Expected a result "
                "store with a lock manager, got one without: pass `lock_manager` to the store, or to "
                "`cache_policy.configure(...)`."
            )
        holder = store.generate_default_holder()
        if store.is_lock_holder(key, holder):
            return  # a transaction around this one has it
        yield Call(store.acquire_lock, (key, holder), afn=store.aacquire_lock)
        self._holder = holder

    def _unlock(self) -> None:
        if self._holder is not None:
            holder, self._holder = self._holder, None
            assert self.store is not None
            assert self.key is not None
            self.store.release_lock(self.key, holder)

    def _conclude(self) -> Generator[Any, Any, None]:
        """The end without an error: commit, roll back, or leave both to the parent."""
        self._open = False
        parent = self._parent
        if self.state in _FINAL:
            return
        undone = self.commit_mode is CommitMode.OFF if parent is None else parent.is_rolled_back()
        if undone:
            yield from self._rollback()
        elif parent is None or parent.is_committed() or self.commit_mode is CommitMode.EAGER:
            yield from self._commit()

    def _commit(self) -> Generator[Any, Any, bool]:
        """Run the hooks of the inner ones and then of this one, each followed by its write; False where one failed.

        A member whose commit hook fails is rolled back alone, and nothing of it is written; where a value cannot be
        written, everything that is not committed yet is rolled back.
        """
        if self.state in _FINAL:
            return False
        try:
            for member in self._members():
                if (yield from member._run_commit_hooks()):
                    yield from member._write()
                    member.state = TransactionState.COMMITTED
                else:
                    yield from member._undo()
        except Exception:
            self.logger.exception("An error was encountered while committing transaction %r", self.key)
            yield from self._rollback()
        return self.is_committed()

    def _run_commit_hooks(self) -> Generator[Any, Any, bool]:
        """Call the hooks in order; False where one failed, and the rest were not called."""
        for hook in self.on_commit_hooks:
            if not (yield from self._run_hook(hook, "commit")):
                return False
        return True

    def _members(self) -> list[BaseTransaction]:
        """This transaction and those inside it that wait for it, the inner ones first."""
        waiting = [child for child in self.children if not child._open and child.state not in _FINAL]
        return [*(member for child in waiting for member in child._members()), self]

    def _write(self) -> Generator[Any, Any, None]:
        """Write what is staged."""
        if self.store is None or self.key is None or not self.write_on_commit:
            return
        from prefect.results import ResultRecord  # loaded: there is a store

        is_record = isinstance(self._staged, ResultRecord)
        record: ResultRecord = (
            self._staged if is_record else self.store.create_result_record(self._staged, self.key)
        )
        yield from self._lock(self.store, self.key)
        try:
            store = self.store
            yield Call(store.persist_result_record, (record, self._holder), afn=store.apersist_result_record)
        finally:
            self._unlock()
        self._staged = None

    def _rollback(self) -> Generator[Any, Any, bool]:
        """Undo this transaction, those inside it, and those around it."""
        undone = yield from self._undo()
        if self._parent is not None:
            yield from self._parent._rollback()
        return undone

    def _undo(self) -> Generator[Any, Any, bool]:
        """Roll back this transaction and those inside it; False where it has ended already."""
        if self.state in _FINAL:
            return False
        self._staged = None
        self.state = TransactionState.ROLLED_BACK
        for hook in reversed(self.on_rollback_hooks):
            yield from self._run_hook(hook, "rollback")
        for child in reversed(self.children):
            if not child._open:
                yield from child._undo()
        return True

    def _run_hook(self, hook: Hook, hook_type: str) -> Generator[Any, Any, bool]:
        """Call a hook with the transaction; an error is logged, and answered with False."""
        inner = getattr(hook, "func", hook)
        name = getattr(inner, "__name__", type(inner).__name__)
        self.logger.info("Running %s hook %r", hook_type, name)
        try:
            yield Call(hook, (self,))
        except Exception:
            self.logger.exception("An error was encountered while running %s hook %r", hook_type, name)
            return False
        self.logger.info("%s hook %r finished running successfully", hook_type.capitalize(), name)
        return True

    def _read(self) -> Generator[Any, Any, ResultRecord | None]:
        if self.store is None or self.key is None:
            return None
        return (yield Call(self.store.read, (self.key, self._holder), afn=self.store.aread))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} key={self.key!r} state={self.state.name}>"


def enclosing(scope: Any, *, make: bool = True) -> BaseTransaction | None:
    """The transaction that the code of a run is part of, or None.

    That is the innermost block opened by that code, or else the run's own transaction, if it is a task run.

    Args:
        scope: the task run, or else the flow run; None outside of any.
        make: whether task runs that have no transaction yet are given one.
    """
    block: BaseTransaction | None = current.transaction.get()
    while scope is not None and (block is None or block._scope is not scope):
        own = scope.own_transaction(make=make)
        if own is not None:
            return own
        scope = scope.caller
    return block
