"""What a function's return value says about its run (behaviours 14 to 16).

Plain data is recognised by class alone; states are recognised by their mark, so that the common way needs no
pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect.model.state import State

_PLAIN = frozenset((type(None), int, float, str, bytes, bool, dict, complex))
_COLLECTIONS = (list, tuple, set)


class Outcome(NamedTuple):
    """The final state of a run to be. `state` is the State that the function made and returned, if it did."""

    type: str
    name: str
    message: str | None
    state: State[Any] | None = None
    details: dict[str, Any] | None = None


def is_plain(value: Any) -> bool:
    """Whether the value is data without a doubt: the run is Completed."""
    return type(value) in _PLAIN


def is_state(value: Any) -> bool:
    """Whether the value is a State."""
    return getattr(type(value), "_is_prefect_state", False)


def outcome_of(value: Any) -> Outcome | None:
    """What a State, or a collection made only of states, comes to; None for data."""
    if is_state(value):
        details = value.state_details
        if details.flow_run_id is None and details.task_run_id is None:
            return Outcome(value.type.value, value.name, value.message, state=value)
        return aggregate([value])
    if isinstance(value, _COLLECTIONS) and value and all(is_state(item) for item in value):
        return aggregate(list(value))
    return None


def aggregate(states: Sequence[State[Any]]) -> Outcome:
    """Several states as one: cancelled beats paused beats failed beats unfinished."""
    total = len(states)
    types = [state.type.value for state in states]
    failed = types.count("FAILED") + types.count("CRASHED")
    unfinished = sum(not state.is_final() for state in states)
    if cancelled := types.count("CANCELLED"):
        return Outcome("CANCELLED", "Cancelled", f"{cancelled}/{total} states cancelled.")
    if paused := types.count("PAUSED"):
        return Outcome("PAUSED", "Paused", f"{paused}/{total} states paused.")
    if failed:
        return Outcome("FAILED", "Failed", f"{failed}/{total} states failed.")
    if unfinished:
        return Outcome("FAILED", "Failed", f"{unfinished}/{total} states are not final.")
    return Outcome("COMPLETED", "Completed", "All states completed.")
