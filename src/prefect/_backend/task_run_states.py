"""Setting the state of a task run from outside: the rules decide, in the transaction that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._backend import task_slots
from prefect._base.clock import now_us
from prefect._orchestration import Abort, Accept, Reject, TaskFacts, TaskTransition, Wait, decide_task_run
from prefect._storage import flow_runs, task_run_cache, task_runs
from prefect.exceptions import ObjectNotFound
from prefect.model.history import states_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prefect._backend.local import LocalBackend
    from prefect._orchestration import TagLimit
    from prefect._storage.protocol import Transaction
    from prefect.model.records import FlowRunRecord, StateRecord, TaskRunRecord


class TaskAnswer(NamedTuple):
    """What became of a state proposed for a task run: see `prefect._backend.protocol.Answer`."""

    status: str
    run: TaskRunRecord
    reason: str | None = None
    delay_seconds: float = 0.0


def propose_task_run_state(
    backend: LocalBackend, run_id: bytes, state: StateRecord, *, force: bool = False
) -> TaskAnswer:
    """Ask to move a task run on.

    Raises:
        ObjectNotFound: there is no such run.
        StoreError: nothing was written.
    """
    with backend.store.write() as cx:
        run = task_runs.held(cx, [run_id]).get(run_id)
        if run is None:
            raise ObjectNotFound(help_message="Task not found")
        transition = TaskTransition.of(run, state, now_us(), force=force, facts=_facts(cx, run))
        decision = decide_task_run(transition)
        if isinstance(decision, Wait):
            return TaskAnswer("WAIT", run, decision.reason, decision.delay_seconds)
        if isinstance(decision, Abort):
            return TaskAnswer("ABORT", run, decision.reason)
        if decision.changes:
            if decision.slot is not None:
                task_slots.settle(cx, backend.store, run, decision.slot, transition.tags)
            run = _written(cx, run, decision.changes, decision.state)
    if decision.changes:
        backend.journal.announce([run], ())
    if isinstance(decision, Reject):
        return TaskAnswer("REJECT", run, decision.reason)
    assert isinstance(decision, Accept)
    return TaskAnswer("ACCEPT", run)


def _facts(cx: Transaction, run: TaskRunRecord) -> TaskFacts:
    def flow_run() -> FlowRunRecord | None:
        return flow_runs.read(cx, run.flow_run_id) if run.flow_run_id else None

    def cached_state(key: str) -> StateRecord | None:
        return _cached(cx, key)

    def limits(tags: Sequence[str]) -> list[TagLimit]:
        return task_slots.limits(cx, tags)

    return TaskFacts(flow_run=flow_run, cached_state=cached_state, limits=limits)


def _written(
    cx: Transaction, run: TaskRunRecord, changes: dict[str, Any], state: StateRecord | None
) -> TaskRunRecord:
    run = run._replace(**changes)
    task_runs.replace(cx, [run])
    details = (state.details if state is not None else None) or {}
    if run.state_type == "COMPLETED" and details.get("cache_key"):
        task_run_cache.write(cx, details["cache_key"], run.id, details.get("cache_expiration"))
    return run


def _cached(cx: Transaction, key: str) -> StateRecord | None:
    run_id = task_run_cache.read(cx, key)
    run = task_runs.read_many(cx, [run_id]).get(run_id) if run_id is not None else None
    found = states_of(run)[-1] if run is not None else None
    return found if found is not None and found.type == "COMPLETED" else None
