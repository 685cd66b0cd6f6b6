"""What a run is told when something other than its own exception ended it (behaviour 48)."""

from __future__ import annotations

import sys

from prefect.exceptions import TerminationSignal


def crash_message(exc: BaseException) -> str:
    """The message of the Crashed state."""
    return "Execution was " + _reason(exc)


def _reason(exc: BaseException) -> str:
    if isinstance(exc, KeyboardInterrupt):
        return "aborted by an interrupt signal."
    if isinstance(exc, TerminationSignal):
        return "aborted by a termination signal."
    if isinstance(exc, SystemExit):
        return "aborted by Python system exit call."
    asyncio = sys.modules.get("asyncio")  # a cancellation can only come from a loop that was loaded
    if asyncio is not None and isinstance(exc, asyncio.CancelledError):
        return "cancelled by the runtime environment."
    return f"interrupted by an unexpected exception: {type(exc).__name__}: {exc}"
