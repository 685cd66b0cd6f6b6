"""Make states, and read what is in them."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from datetime import datetime
from types import GeneratorType, TracebackType
from typing import Any, Protocol, TypeVar

from prefect._base.current import wants_awaitable
from prefect.model.crashes import crash_message
from prefect.model.outcome import StateGroup, is_state_iterable, outcome_of
from prefect.model.state import State, StateDetails, StateType
from prefect.model.state_makers import (
    AwaitingConcurrencySlot,
    AwaitingRetry,
    Cancelled,
    Cancelling,
    Completed,
    Crashed,
    Failed,
    InfrastructurePending,
    Late,
    Paused,
    Pending,
    Retrying,
    Running,
    Scheduled,
    Submitting,
    Suspended,
)
from prefect.model.state_result import (
    RESULT_READ_MAXIMUM_ATTEMPTS,
    RESULT_READ_RETRY_DELAY,
    exception_of,
    is_bad_end,
    needs_io,
)
from prefect.model.state_result import result_of as read_result

__all__ = [
    "RESULT_READ_MAXIMUM_ATTEMPTS",
    "RESULT_READ_RETRY_DELAY",
    "AwaitingConcurrencySlot",
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "InfrastructurePending",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "State",
    "StateDetails",
    "StateGroup",
    "StateType",
    "Submitting",
    "Suspended",
    "aget_state_exception",
    "araise_state_exception",
    "exception_to_crashed_state",
    "exception_to_failed_state",
    "format_exception",
    "get_state_exception",
    "get_state_result",
    "is_state_iterable",
    "raise_state_exception",
    "read_result",
    "return_value_to_state",
]

R = TypeVar("R")


class ResultStore(Protocol):
    """As much of `prefect.results.ResultStore` as is needed here."""

    def create_result_record(
        self, obj: Any, key: str | None = None, expiration: datetime | None = None
    ) -> Any:
        """The value with the metadata under which it would be stored."""
        ...

    def persist_result_record(self, result_record: Any) -> None:
        """Store it."""
        ...


async def get_state_result(
    state: State[R], raise_on_failure: bool = True, retry_result_failure: bool = True
) -> R | Exception:
    """What the run returned: the same as `await state.aresult(...)`."""
    return await state.aresult(raise_on_failure, retry_result_failure)


def format_exception(exc: BaseException, tb: TracebackType | None = None) -> str:
    """`ValueError: text`; with a traceback, the whole as Python prints it."""
    if tb is None:
        return f"{type(exc).__name__}: {exc}"
    import traceback  # only needed once something failed

    return "".join(traceback.format_exception(type(exc), exc, tb))


async def exception_to_crashed_state(exc: BaseException, result_store: ResultStore | None = None) -> State:
    """A Crashed state whose message says what ended the run (behaviour 48); its data is the exception."""
    return Crashed(message=crash_message(exc), data=_in_record(exc, result_store))


async def exception_to_failed_state(
    exc: BaseException | None = None,
    result_store: ResultStore | None = None,
    write_result: bool = False,
    **kwargs: Any,
) -> State[BaseException]:
    """A Failed state whose data is the exception and whose message ends with it.

    Args:
        exc: by default, the exception being handled.
        result_store: where the exception is kept, with `write_result` on disk.
        write_result: see there.
        kwargs: other fields of the state; the `message` becomes the beginning of the message.

    Raises:
        ValueError: no exception is given and none is being handled.
    """
    exc = exc or sys.exc_info()[1]
    if exc is None:
        raise ValueError("Exception was not passed and no active exception could be found.")
    beginning = (kwargs.pop("message", None) or "").rstrip()
    message = f"{beginning} {format_exception(exc)}".lstrip()
    return Failed(message=message, data=_in_record(exc, result_store, write=write_result), **kwargs)


async def return_value_to_state(
    retval: Any,
    result_store: ResultStore,
    key: str | None = None,
    expiration: datetime | None = None,
    write_result: bool = False,
) -> State:
    """The final state of a run that returned `retval` (behaviours 14 to 16).

    Args:
        retval: the value; a generator is exhausted into a list.
        result_store: makes the record of the result, with `write_result` on disk.
        key: where the result is stored.
        expiration: until when it may be used.
        write_result: see there.
    """
    if isinstance(retval, GeneratorType):
        retval = list(retval)  # type: ignore[reportUnknownArgumentType] - of whatever it yields
    outcome = outcome_of(retval)
    state = Completed().hold_result(retval) if outcome is None else outcome.state
    if not needs_io(state):
        record = _in_record(state.data, result_store, write=write_result, key=key, expiration=expiration)
        state.hold_result(record)
    return state


def get_state_exception(state: State) -> BaseException | Coroutine[Any, Any, BaseException]:
    """The exception that a failed, crashed or cancelled state stands for (behaviour 24).

    Under a running event loop, an awaitable of it.

    Raises:
        ValueError: the state is none of these, or holds several states and none of them is.
        TypeError: its data is nothing that an exception can be made of.
    """
    return aget_state_exception(state) if wants_awaitable() else exception_of(state)


async def aget_state_exception(state: State) -> BaseException:
    """The async form of `get_state_exception`."""
    if not needs_io(state):
        return exception_of(state)
    import asyncio  # whoever awaits this has it loaded

    return await asyncio.to_thread(exception_of, state)


def raise_state_exception(state: State) -> Coroutine[Any, Any, None] | None:
    """Raise what a failed, crashed or cancelled state stands for; for any other state nothing happens.

    Under a running event loop, an awaitable that does.
    """
    if wants_awaitable():
        return araise_state_exception(state)
    if is_bad_end(state):
        raise exception_of(state)
    return None


async def araise_state_exception(state: State) -> None:
    """The async form of `raise_state_exception`."""
    if is_bad_end(state):
        raise await aget_state_exception(state)


def _in_record(value: Any, store: ResultStore | None, *, write: bool = False, **options: Any) -> Any:
    """The value as a record of the store, written or not; as it is, where there is no store."""
    if store is None:
        return value
    record = store.create_result_record(value, **options)
    if write:
        store.persist_result_record(record)
    return record
