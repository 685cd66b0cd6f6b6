"""The verbs of the backend as they go over HTTP: for each the shapes of its arguments and of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._backend import wire
from prefect.exceptions import Abort, ObjectNotFound

if TYPE_CHECKING:
    from prefect._backend.wire import Shape


class Verb(NamedTuple):
    """One verb of `protocol.Backend`. One that `writes` goes in a numbered batch, and is done once."""

    name: str
    arguments: dict[str, Shape]
    answer: Shape
    writes: bool

    def pack(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as JSON."""
        return {name: wire.packer(self.arguments[name])(value) for name, value in arguments.items()}

    def unpack(self, arguments: Any) -> dict[str, Any]:
        """The arguments in JSON. Raises ValueError where they are not the verb's."""
        if not isinstance(arguments, dict) or not arguments.keys() <= self.arguments.keys():  # type: ignore[misc] # as it came
            raise ValueError(f"{self.name}: expected arguments of {sorted(self.arguments)}, got others")
        return {name: self.arguments[name].unpack(value) for name, value in arguments.items()}  # type: ignore[misc] # as it came


VERBS: dict[str, Verb] = {}


def _writes(name: str, answer: Shape, /, **arguments: Shape) -> None:
    VERBS[name] = Verb(name, arguments, answer, writes=True)


def _reads(name: str, answer: Shape, /, **arguments: Shape) -> None:
    VERBS[name] = Verb(name, arguments, answer, writes=False)


_ID = wire.BYTES
_IDS = wire.many(wire.BYTES)
_PAGE = {"limit": wire.optional(wire.INT), "offset": wire.INT}
_WHERE = wire.many(wire.CONDITION)
_STATES = wire.many(wire.STATE)
_TASK_RUNS = wire.many(wire.TASK_RUN)

_writes(
    "create_flow_run",
    wire.FLOW_RUN,
    new=wire.NEW_FLOW_RUN,
    executes=wire.BOOL,
    running=wire.optional(wire.STATE),
)
_writes("open_attempt", wire.FLOW_RUN, run_id=_ID, changes=wire.optional(wire.CHANGES))
_writes(
    "propose_flow_run_state",
    wire.ANSWER,
    run_id=_ID,
    state=wire.STATE,
    attempt=wire.optional(wire.INT),
    force=wire.BOOL,
    changes=wire.optional(wire.CHANGES),
)
_writes("take_task_run", wire.optional(wire.TASK_RUN), run_id=_ID)
_writes("update_flow_run", wire.NOTHING, run_id=_ID, changes=wire.CHANGES)
_writes("leave_flow_run", wire.NOTHING, run_id=_ID, unfinished=wire.BOOL)
_writes("delete_flow_runs", wire.INT, run_ids=_IDS)

_reads("read_flow_run", wire.FLOW_RUN, run_id=_ID)
_reads("find_flow_runs", wire.many(wire.FLOW_RUN), flow_names=wire.TEXTS, where=_WHERE, **_PAGE)
_reads("read_flow_run_states", _STATES, run_id=_ID)
_reads("read_task_run", wire.TASK_RUN, run_id=_ID)
_reads("find_task_runs", _TASK_RUNS, flow_run_ids=_IDS, where=_WHERE, newest_first=wire.BOOL, **_PAGE)
_reads("read_task_run_states", _STATES, run_id=_ID)
_reads("count_task_runs", wire.COUNTS, flow_run_id=_ID)
_reads("recorded_task_runs", _TASK_RUNS, flow_run_id=_ID)
_reads(
    "find_logs",
    wire.many(wire.LOG),
    flow_run_id=wire.optional(_ID),
    task_run_id=wire.optional(_ID),
    newest_first=wire.BOOL,
    **_PAGE,
)
_reads("limits_of_tags", wire.TEXTS, tags=wire.TEXTS)
_reads("read_process", wire.optional(wire.PROCESS), process_id=_ID)
_reads("reap", wire.many(wire.FLOW_RUN))
_reads("claim_flow_run", wire.BOOL, run_id=_ID, seen=_ID)
_reads(  # whoever asks again, because the answer was lost, changes nothing
    "executor_ended",
    wire.FLOW_RUN,
    run_id=_ID,
    host=wire.TEXT,
    pid=wire.optional(wire.INT),
    cause=wire.optional(wire.TEXT),
    hand_over=wire.BOOL,
)


# --- what a verb may raise travels as its answer ------------------------------------------------------

RAISED: dict[str, type[BaseException]] = {
    "Abort": Abort,
    "ObjectNotFound": ObjectNotFound,
    "ValueError": ValueError,
}


def raised(exc: BaseException) -> dict[str, Any]:
    """An exception of `RAISED` as JSON."""
    return {"raised": [type(exc).__name__, str(exc)]}


def exception_of(name: str, text: str) -> BaseException:
    """The exception in JSON."""
    return ObjectNotFound(help_message=text) if name == "ObjectNotFound" else RAISED[name](text)
