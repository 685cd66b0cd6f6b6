"""A subflow stands in its parent as a task run of its own, which mirrors the child's states (behaviour 40)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from prefect._base.ids import new_id
from prefect._engine import replay
from prefect._engine.effects import Verb
from prefect._engine.task_call import TaskCall

if TYPE_CHECKING:
    from collections.abc import Generator

    from prefect._engine.flow_call import FlowCall
    from prefect.model.records import StateRecord, TaskRunRecord


class _TrackedFlow:
    """What a task call needs to know of a task, told of a flow."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.task_key = f"{name}-subflow"
        self.tags: frozenset[str] = frozenset()
        self.persist_result = self.log_prints = False
        self.cache_result_in_memory = True


class TrackingCall(TaskCall):
    """The task run of a subflow."""

    __slots__ = ()

    def mirror(self, state: StateRecord) -> None:
        """Enter the state that the child has entered."""
        self.transition(state.type, state.name, state.message)


def track_subflow(call: FlowCall) -> Generator[Any, Any, bool]:
    """Give a subflow its task run in the parent; True where the parent's earlier attempt has its result already.

    A resumed parent takes its child up again in place, so that the child's recorded tasks are replayed too.
    """
    parent = call.parent
    assert parent is not None
    tracking = call.tracking = _tracking_call(call, parent)
    if tracking.memo in parent.kept_subflows:
        call.value = parent.kept_subflows[tracking.memo]
        call.replayed = True
        return True
    recorded = parent.recorded
    row = recorded.take_subflow(tracking.memo) if recorded is not None else None
    if recorded is not None and row is not None and row.state_type == "COMPLETED" and row.result is not None:
        call.value = replay.decode(row.result)
        recorded.replayed.append(row.id)
        call.replayed = True
        return True
    child = replay.child_of(row) if row is not None else None
    call.id = child or new_id()
    tracking.note("child_flow_run_id", str(UUID(bytes=call.id)))
    tracking.refresh()
    tracking.journal.put(tracking)  # committed with the child, or a crash would separate the two
    if child is not None:
        yield from take_up(call, child, {"parent_task_run_id": tracking.id})
    return False


def _tracking_call(call: FlowCall, parent: FlowCall) -> TrackingCall:
    flow = call.flow
    tracking = TrackingCall(
        cast("Any", _TrackedFlow(flow.name)),
        call.parameters,
        (),
        {},
        flow=parent,
        parent=call.parent_task,
        backend=call.backend,
    )
    key = tracking.dynamic_key if call.parent_task is not None else str(parent.next_subflow(flow.name))
    tracking.rename(f"{flow.name}-{key}")
    tracking.note("dynamic_key", key)
    if flow.version is not None:
        tracking.note("version", flow.version)
    tracking.track_inputs()
    return tracking


def take_up(
    call: FlowCall, run_id: bytes, changes: dict[str, Any] | None = None
) -> Generator[Any, Any, None]:
    """Execute an existing flow run in place: a new attempt, with what the earlier ones have recorded."""
    backend = call.backend
    yield Verb(backend, lambda: backend.open_attempt(run_id, changes), call.take_up)
    rows: list[TaskRunRecord] = []
    if call.record.run_count:  # it has run before
        rows = yield Verb(backend, lambda: backend.recorded_task_runs(call.id))
    parent = call.parent.recorded if call.parent is not None else None
    call.recorded = replay.Recorded(rows, parent.replayed if parent is not None else None)
