"""One function for each name of a state."""
# ruff: noqa: N802 - these are the public names

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from typing_extensions import TypeVar

from prefect._base.clock import now
from prefect.model.state import State, StateDetails, StateType

R = TypeVar("R", default=Any)


def Scheduled(cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any) -> State[R]:
    """A state that waits for `scheduled_time` (now, if it is not given).

    Raises:
        ValueError: the time is given twice, here and in `state_details`.
    """
    details = _details(kwargs)
    if scheduled_time is not None:
        if details.scheduled_time is not None:
            raise ValueError("An extra scheduled_time was provided in state_details")
        details.scheduled_time = scheduled_time
    return cls(type=StateType.SCHEDULED, state_details=details, **kwargs)


def Completed(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state that ended well; `data` is its result."""
    return cls(type=StateType.COMPLETED, **kwargs)


def Running(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state of being executed."""
    return cls(type=StateType.RUNNING, **kwargs)


def Failed(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state that ended badly; `data` may be the exception."""
    return cls(type=StateType.FAILED, **kwargs)


def Crashed(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state that was ended from outside."""
    return cls(type=StateType.CRASHED, **kwargs)


def Cancelling(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state of being stopped."""
    return cls(type=StateType.CANCELLING, **kwargs)


def Cancelled(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state that somebody has ended."""
    return cls(type=StateType.CANCELLED, **kwargs)


def Pending(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """A state of being about to run."""
    return cls(type=StateType.PENDING, **kwargs)


def Paused(
    cls: type[State[R]] = State,
    timeout_seconds: int | None = None,
    pause_expiration_time: datetime | None = None,
    reschedule: bool = False,
    pause_key: str | None = None,
    **kwargs: Any,
) -> State[R]:
    """A state of waiting until somebody resumes it.

    Args:
        cls: the class of the state.
        timeout_seconds: how long it may wait; None is for ever.
        pause_expiration_time: the same as a time.
        reschedule: whether the process ends, and another one goes on.
        pause_key: names the pause, so that each fires once.
        kwargs: other fields of the state.

    Raises:
        ValueError: both forms of the time limit are given.
    """
    if timeout_seconds is not None and pause_expiration_time is not None:
        raise ValueError("Cannot supply both a pause_expiration_time and timeout_seconds")
    if timeout_seconds is not None:
        pause_expiration_time = now() + timedelta(seconds=timeout_seconds)
    details = _details(kwargs)
    details.pause_timeout = pause_expiration_time or details.pause_timeout
    details.pause_reschedule = reschedule
    details.pause_key = pause_key or details.pause_key
    return cls(type=StateType.PAUSED, state_details=details, **kwargs)


def Suspended(
    cls: type[State[R]] = State,
    timeout_seconds: int | None = None,
    pause_expiration_time: datetime | None = None,
    pause_key: str | None = None,
    **kwargs: Any,
) -> State[R]:
    """A pause during which no process waits; the arguments are those of `Paused`."""
    return Paused(
        cls=cls,
        name="Suspended",
        reschedule=True,
        timeout_seconds=timeout_seconds,
        pause_expiration_time=pause_expiration_time,
        pause_key=pause_key,
        **kwargs,
    )


def AwaitingRetry(
    cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any
) -> State[R]:
    """Scheduled to be tried again."""
    return Scheduled(cls=cls, scheduled_time=scheduled_time, name="AwaitingRetry", **kwargs)


def AwaitingConcurrencySlot(
    cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any
) -> State[R]:
    """Scheduled to ask again for a concurrency slot."""
    return Scheduled(cls=cls, scheduled_time=scheduled_time, name="AwaitingConcurrencySlot", **kwargs)


def Submitting(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """Pending, while a process or infrastructure is started for it."""
    return Pending(cls=cls, name="Submitting", **kwargs)


def InfrastructurePending(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """Pending, while its infrastructure starts."""
    return Pending(cls=cls, name="InfrastructurePending", **kwargs)


def Retrying(cls: type[State[R]] = State, **kwargs: Any) -> State[R]:
    """Running again."""
    return Running(cls=cls, name="Retrying", **kwargs)


def Late(cls: type[State[R]] = State, scheduled_time: datetime | None = None, **kwargs: Any) -> State[R]:
    """Scheduled for a time that has passed."""
    return Scheduled(cls=cls, scheduled_time=scheduled_time, name="Late", **kwargs)


def _details(kwargs: dict[str, Any]) -> StateDetails:
    """Take the details out of a constructor's arguments."""
    given = kwargs.pop("state_details", None)
    return StateDetails() if given is None else StateDetails.model_validate(given).model_copy()
