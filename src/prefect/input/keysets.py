"""The keys under which a pause says what it waits for, and is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict

if TYPE_CHECKING:
    from prefect.model.state import State


class Keyset(TypedDict):
    """The keys of one pause."""

    description: str
    response: str
    schema: str


def keyset_from_base_key(base_key: str) -> Keyset:
    """The keys that begin with `base_key`."""
    return {
        "description": f"{base_key}-description",
        "response": f"{base_key}-response",
        "schema": f"{base_key}-schema",
    }


def keyset_from_paused_state(state: State) -> Keyset:
    """The keys of the pause that a state is. Raises RuntimeError for a state that is none."""
    if not state.is_paused():
        raise RuntimeError(f"Expected a paused state, got {state.name}.")
    return keyset_from_base_key(f"{(state.name or '').lower()}-{state.state_details.pause_key}")
