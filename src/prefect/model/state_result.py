"""What `State.result` gives or raises (behaviours 18, 23, 24 and 58).

A model does no I/O: a result that is stored is read by whoever registers as its reader, `prefect.results`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from prefect._base.clock import clock
from prefect.exceptions import (
    CancelledRun,
    CrashedRun,
    FailedRun,
    MissingResult,
    PausedRun,
    SerializationError,
    UnfinishedRun,
)
from prefect.model.outcome import is_state, is_state_iterable
from prefect.model.results import ResultRecordMetadata

if TYPE_CHECKING:
    from prefect.model.state import State

_BAD_ENDS: dict[str, tuple[type[Exception], str]] = {
    "FAILED": (FailedRun, "Run failed."),
    "CRASHED": (CrashedRun, "Run crashed."),
    "CANCELLED": (CancelledRun, "Run cancelled."),
}


RESULT_READ_MAXIMUM_ATTEMPTS = 10
RESULT_READ_RETRY_DELAY = 0.25


def _no_reader(metadata: ResultRecordMetadata) -> Any:
    raise MissingResult(
        f"Expected a reader of stored results to fetch {metadata.storage_key!r}, got none. "
        "Import `prefect.results` first."
    )


_read_once: Callable[[ResultRecordMetadata], Any] = _no_reader


def register_result_reader(read: Callable[[ResultRecordMetadata], Any]) -> None:
    """Say how the result that is stored under some metadata is read."""
    global _read_once
    _read_once = read


def result_of(state: State[Any], *, raise_on_failure: bool = True, retry: bool = True) -> Any:
    """The result of a run by its state; the exception of a bad end is raised, or returned.

    Raises:
        UnfinishedRun: the run has not ended. PausedRun: it is paused.
        MissingResult: it ended well, but its result was not kept.
    """
    if state.is_paused():
        raise PausedRun("Run is paused, its result is not available.", state=state)
    if not state.is_final():
        raise UnfinishedRun(f"Run is in {state.type.value} state, its result is not available.")
    if raise_on_failure and is_bad_end(state):
        raise exception_of(state, retry=retry)
    if state.data is None and is_bad_end(state):
        return exception_of(state)
    if state.data is None and not state.holds_result:
        raise MissingResult
    return _value_of(state.data, retry=retry)


def exception_of(state: State[Any], *, retry: bool = True) -> BaseException:
    """The exception that a failed, crashed or cancelled state stands for.

    Raises:
        ValueError: the state is none of these, or holds several states and none of them is.
        TypeError: its data is nothing that an exception can be made of.
    """
    if not is_bad_end(state):
        raise ValueError(f"Expected failed or crashed state got {state!r}.")
    wrapper, default_message = _BAD_ENDS[state.type]
    value = _value_of(state.data, retry=retry)
    if value is None:
        return wrapper(state.message or default_message)
    if isinstance(value, BaseException):
        return value
    if isinstance(value, str):
        return wrapper(value)
    if is_state(value):
        return exception_of(value, retry=retry)
    if is_state_iterable(value):
        return _first_exception(value, retry=retry)
    raise TypeError(
        f"Unexpected result for failed state: {value!r} —— {type(value).__name__} cannot be resolved into an"
        " exception"
    )


def is_bad_end(state: State[Any]) -> bool:
    """Whether the run failed, crashed or was cancelled."""
    return state.type in _BAD_ENDS


def needs_io(state: State[Any]) -> bool:
    """Whether reading the result of this state means to read a store."""
    return isinstance(state.data, ResultRecordMetadata)


def _first_exception(states: Iterable[State[Any]], *, retry: bool) -> BaseException:
    for state in states:
        if is_bad_end(state):
            return exception_of(state, retry=retry)
    raise ValueError("Failed state result was an iterable of states but none were failed.")


def _value_of(data: object, *, retry: bool) -> Any:
    """What the data of a state holds or points to."""
    if isinstance(data, ResultRecordMetadata):
        return _read_stored(data, RESULT_READ_MAXIMUM_ATTEMPTS if retry else 1)
    return cast("Any", data).result if getattr(type(data), "_is_result_record", False) else data


def _read_stored(metadata: ResultRecordMetadata, attempts: int) -> Any:
    """Object stores may show a new object late: what is not there yet is asked for again."""
    for _ in range(attempts - 1):
        try:
            return _read_once(metadata)
        except (MissingResult, SerializationError):  # noqa: PERF203 - each attempt may fail
            raise
        except Exception:
            clock().sleep(RESULT_READ_RETRY_DELAY)
    return _read_once(metadata)
