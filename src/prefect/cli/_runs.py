"""How commands find runs and name them: ids, prefixes, names, states in their colours, durations."""

from __future__ import annotations

import shutil
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

import click

from prefect._backend.resolve import backend
from prefect._base.clock import now_us
from prefect._base.tty import is_terminal
from prefect._storage.filters import Condition
from prefect._terminal.text import duration
from prefect.cli._output import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from prefect.model.records import FlowRunRecord, TaskRunRecord

    _Run = TypeVar("_Run", FlowRunRecord, TaskRunRecord)

TERMINAL: Final = frozenset(("COMPLETED", "FAILED", "CANCELLED", "CRASHED"))
STATE_TYPES: Final = (
    "SCHEDULED",
    "PENDING",
    "RUNNING",
    "PAUSED",
    "CANCELLING",
    "COMPLETED",
    "FAILED",
    "CRASHED",
    "CANCELLED",
)
_NAMES: Final = (
    *("Scheduled", "Late", "AwaitingRetry", "AwaitingConcurrencySlot", "Resuming", "Pending", "NotReady"),
    *("Submitting", "InfrastructurePending", "Running", "Retrying", "Rerunning", "Paused", "Suspended"),
    *(
        "Cancelling",
        "Cancelled",
        "Completed",
        "Cached",
        "RolledBack",
        "Skipped",
        "Failed",
        "TimedOut",
        "Crashed",
    ),
)
_STATE_NAMES: Final = {name.lower(): name for name in _NAMES}
_COLORS: Final = {
    "COMPLETED": "green",
    "FAILED": "red",
    "CRASHED": "red",
    "RUNNING": "cyan",
    "PENDING": "blue",
    "SCHEDULED": "blue",
    "CANCELLING": "yellow",
    "CANCELLED": "yellow",
    "PAUSED": "yellow",
}
WIDE: Final = 110  # columns of a terminal from which on full ids are shown

_MOST_IDS: Final = 500  # in one query


def uuid_text(run_id: bytes) -> str:
    """An id as people write it."""
    return str(UUID(bytes=run_id))


def state_cell(state_type: str, state_name: str) -> tuple[str, str]:
    """A state's name and its colour, for a table."""
    return state_name, _COLORS.get(state_type, "white")


def styled_state(state_type: str, state_name: str) -> str:
    """A state's name, in its colour where there are any."""
    return click.style(state_name, fg=_COLORS.get(state_type), bold=True)


def state_name_of(text: str) -> str:
    """A state's name as it is spelled, however it was typed; the user's own names as they are."""
    return _STATE_NAMES.get(text.lower(), text)


def wants_full_ids() -> bool:
    """Whether a table shows ids in full: where programs read it, or there is room."""
    return not is_terminal(sys.stdout) or shutil.get_terminal_size().columns >= WIDE


def wants_full_times() -> bool:
    """Whether a table shows times as moments too, and not only how long ago."""
    return not is_terminal(sys.stdout) or shutil.get_terminal_size().columns >= WIDE + 30


def short_ids(run_ids: Sequence[bytes]) -> list[str]:
    """Each id, shortened to what tells it from its neighbours; at least the time in it (13 characters)."""
    texts = [uuid_text(run_id) for run_id in run_ids]
    ordered = sorted(texts)
    length = 13
    for one, other in pairwise(ordered):
        while length < len(one) and one[:length] == other[:length]:
            length += 1
    return [text[:length] for text in texts]


def age(moment: int) -> str:
    """How long ago, briefly: `12m ago`; or `in 5s`."""
    past = now_us() - moment
    units = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
    for seconds, unit in units:
        if abs(past) >= seconds * 1_000_000:
            count = abs(past) // (seconds * 1_000_000)
            return f"{count}{unit} ago" if past > 0 else f"in {count}{unit}"
    return "now"


def duration_text(microseconds: int | None) -> str:
    """<1ms, 340ms, 3.2s, 2m 05s, 1h 02m; empty for None."""
    if microseconds is None:
        return ""
    if microseconds < 1000:
        return "<1ms"
    if microseconds < 1_000_000:
        return f"{microseconds / 1000:.0f}ms"
    return duration(microseconds / 1_000_000, tenths=True)


def flow_run_duration(run: FlowRunRecord) -> int | None:
    """How long it has been running, in microseconds; None if it never was."""
    if run.start_time is None:
        return None
    going = now_us() - run.state.timestamp if run.state.type in {"RUNNING", "CANCELLING"} else 0
    return run.total_run_time + going


def task_run_duration(run: TaskRunRecord) -> int | None:
    """From its start to its end, or to now; in microseconds."""
    if run.start_time is None:
        return None
    return (run.end_time or now_us()) - run.start_time


def flow_run_named(text: str) -> FlowRunRecord:
    """The flow run of an id, of the beginning of one, or of a name (then it is the newest, and says so)."""

    def find(where: list[Condition]) -> list[FlowRunRecord]:
        return backend().find_flow_runs(where=where, limit=6)

    return _named(text, "flow run", find)


def task_run_named(text: str) -> TaskRunRecord:
    """The task run of an id, of the beginning of one, or of a name (then it is the newest, and says so)."""

    def find(where: list[Condition]) -> list[TaskRunRecord]:
        return backend().find_task_runs(where=where, limit=6, newest_first=True)

    return _named(text, "task run", find)


def _named(text: str, kind: str, find: Callable[[list[Condition]], list[_Run]]) -> _Run:
    bounds = _bounds(text)
    if bounds is not None:
        first, last = bounds
        # a server of Prefect's can be asked for a whole id only
        asked = [Condition("id", ">=", first), Condition("id", "<=", last)]
        found = find([Condition("id", "=", first)] if first == last else asked)
        if len(found) == 1:
            return found[0]
        if found:
            some = ", ".join(uuid_text(run.id) for run in found[:5])
            fail(f"Expected the id of one {kind}, got '{text}', with which several begin: {some}. Give more.")
    found = find([Condition("name", "=", text)])
    if not found:
        fail(
            f"Expected the id or the name of a {kind}, got '{text}': there is none. "
            f"See `prefect {kind.replace(' ', '-')} ls`."
        )
    if len(found) > 1:
        click.echo(
            f"There are several {kind}s named '{text}'; this is the newest: {uuid_text(found[0].id)}",
            err=True,
        )
    return found[0]


def _bounds(text: str) -> tuple[bytes, bytes] | None:
    """The smallest and the largest id that begin so; None if no id does."""
    digits = text.lower().replace("-", "")
    if not 4 <= len(digits) <= 32 or set(digits) - set("0123456789abcdef"):
        return None
    return bytes.fromhex(digits.ljust(32, "0")), bytes.fromhex(digits.ljust(32, "f"))


def tree_of(run: FlowRunRecord) -> list[FlowRunRecord]:
    """The run and all the runs it has started, those of theirs included; parents come first."""
    found, layer = [run], [run]
    while layer:
        layer = children_of(layer)
        found += layer
    return found


def children_of(runs: Iterable[FlowRunRecord]) -> list[FlowRunRecord]:
    """The flow runs that these have started, oldest first."""
    ids = [run.id for run in runs]
    found: list[FlowRunRecord] = []
    for start in range(0, len(ids), _MOST_IDS):
        where = [Condition("parent_flow_run_id", "in", ids[start : start + _MOST_IDS])]
        found += backend().find_flow_runs(where=where, limit=None)
    return sorted(found, key=lambda run: run.id)
