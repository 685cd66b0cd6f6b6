"""One call of a task: what is known of it, and the row it becomes."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base import clock
from prefect._base.ids import dynamic_key_of, new_id, short_key_of
from prefect._engine.counting import next_number
from prefect._engine.inputs import PLAIN, as_wait_for, kind_of, read_state, sources_of
from prefect._engine.task_facts import (
    CHANGING,
    NAME,
    TERMINAL,
    Source,
    from_json,
    persist_by_default,
    to_json,
)
from prefect.context import TaskRunContext, current_tags
from prefect.exceptions import CancelledRun, MissingResult, UnfinishedRun
from prefect.model.crashes import crash_message
from prefect.model.records import TaskRunRecord
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterable, Iterator

    from prefect._backend.protocol import Backend
    from prefect._engine.flow_call import FlowCall
    from prefect._engine.transactional import TaskTransaction
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.model.results import ResultRecordMetadata
    from prefect.tasks import Task


class TaskCall(TaskRunContext):
    """A task run from its creation to its end; the context of the code it runs.

    `fixed` and `now` together are the row: what never changes, and what each transition replaces as a whole (the
    journal may read them from another thread at any time).
    """

    __slots__ = (
        "_counters",
        "_result_store",
        "args",
        "backend",
        "created",
        "detail",
        "digest",
        "done",
        "end_time",
        "exception",
        "fixed",
        "flow",
        "future",
        "history",
        "id",
        "journal",
        "kwargs",
        "log_prints",
        "memo",
        "name",
        "now",
        "parameters",
        "parent",
        "persist_result",
        "persisted",
        "queued",
        "result_blob",
        "returned_state",
        "run_count",
        "start_time_us",
        "state_message",
        "state_name",
        "state_timestamp",
        "state_type",
        "task",
        "transaction",
        "value",
        "wait_for",
    )

    def __init__(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        args: tuple[Any, ...] | None,
        kwargs: dict[str, Any] | None,
        *,
        flow: FlowCall | None,
        parent: TaskCall | None,
        backend: Backend,
        wait_for: Iterable[Any] | None = None,
        run_id: bytes | None = None,
    ) -> None:
        self.task = task
        self.parameters = parameters
        self.args = args
        self.kwargs = kwargs
        self.flow = flow
        self.parent = parent
        self.backend = backend
        self.journal = backend.journal
        self.wait_for = as_wait_for(wait_for)
        self.id = run_id or new_id()
        self._counters: dict[str, Iterator[int]] | None = None
        self._result_store = None
        self.value: Any = None
        self.exception: BaseException | None = None
        self.returned_state: State[Any] | None = None
        self.persisted: ResultRecordMetadata | None = None
        self.transaction: TaskTransaction | None = None
        self.future: Any = None
        self.history: list[tuple[Any, ...]] | None = None
        self.detail: dict[str, Any] | None = None
        self.digest: bytes | None = None
        self.result_blob: bytes | None = None
        self.run_count = 0
        self.start_time_us: int | None = None
        self.end_time: int | None = None
        self.done = False
        self.queued = False
        self.created = clock.now_us()
        self._decide_options()
        self._identify()
        self.state_type, self.state_name, self.state_message = "PENDING", "Pending", None
        self.state_timestamp = self.created
        self.now = ()  # made at the first transition, or when somebody looks

    def _decide_options(self) -> None:
        """Options that the task leaves open are those of the run around it, or else the settings'."""
        task, around = self.task, self.parent or self.flow
        if task.persist_result is not None:
            self.persist_result = task.persist_result
        else:
            self.persist_result = around.persist_result if around is not None else persist_by_default()
        if task.log_prints is not None:
            self.log_prints = task.log_prints
        else:
            self.log_prints = (
                around.log_prints if around is not None else get_current_settings().logging.log_prints
            )

    def _identify(self) -> None:
        """The columns that stay, and where the run stands in its flow run."""
        task, flow, parent = self.task, self.flow, self.parent
        name = task.name
        if flow is not None:
            name = f"{name}-{short_key_of(self.id)}"
            self.memo: str | None = (parent or flow).next_memo(task.task_key)
            own = (flow.id, flow.attempt, task.task_key, name, self.created, flow.run_count)
            process = None
        else:
            self.memo = None
            own = (None, 0, task.task_key, name, self.created, 0)
            process = self.backend.process_id()
        self.name = name
        self.fixed = (self.id, *own, parent.id if parent is not None else None, process, self.memo)
        if task.tags or current_tags():
            self.note("tags", sorted(task.tags | current_tags()))

    def rename(self, name: str) -> None:
        """Give the run its name, before it starts."""
        self.name = name
        self.fixed = (*self.fixed[:NAME], name, *self.fixed[NAME + 1 :])

    def note(self, key: str, value: Any) -> None:
        """Keep a rare fact in the row's `detail`."""
        if self.detail is None:
            self.detail = {}
        self.detail[key] = value

    @property
    def caller(self) -> TaskCall | FlowCall | None:
        """The run whose code has called the task."""
        return self.parent or self.flow

    def own_transaction(self, *, make: bool = True) -> TaskTransaction | None:
        """The transaction of the attempt that is running; None where it has none, unless it is to be made."""
        if self.transaction is None and make and not self.done:
            return self.make_transaction()
        return self.transaction

    def make_transaction(self, **options: Any) -> TaskTransaction:
        """The transaction of the attempt that is running."""
        if self.transaction is None:
            from prefect._engine import transactional  # few tasks need one

            self.transaction = transactional.begin(self, **options)
        return self.transaction

    def in_transaction(self) -> bool:
        """Whether the end of the run is to be committed: it has a transaction, or hooks that need one."""
        task = self.task
        return self.transaction is not None or bool(task.on_commit_hooks or task.on_rollback_hooks)

    def is_stored(self) -> bool:
        """Whether the result is in the result store: an outer transaction may have put that off."""
        return self.persisted is not None and self.transaction is not None and self.transaction.is_committed()

    def is_undone(self) -> bool:
        """Whether its transaction was rolled back: a commit hook has failed."""
        return self.transaction is not None and self.transaction.is_rolled_back()

    def forget_persisted(self) -> None:
        """The result is not stored after all."""
        self.persisted = None
        if self.detail is not None:
            self.detail.pop("data", None)

    def next_memo(self, task_key: str) -> str | None:
        """The name of the next call of a task made by this one: its own, the task's key, and the order."""
        if self.memo is None:
            return None
        if self._counters is None:
            self._counters = {}
        return f"{self.memo}/{task_key}:{next_number(self._counters, task_key)}"

    def transition(
        self,
        state_type: str,
        state_name: str,
        message: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Enter a state, and queue the row. `details` are those of the state, in the form that is stored."""
        self._enter(state_type, state_name, message, details)
        if not self.queued:
            self.journal.put(self)

    def _enter(
        self, state_type: str, state_name: str, message: str | None, details: dict[str, Any] | None = None
    ) -> None:
        timestamp = clock.now_us() if state_type != "PENDING" or state_name != "Pending" else self.created
        if state_type == "RUNNING":
            if self.run_count:
                self._leave_the_plain_way()
            self.run_count += 1
            if self.start_time_us is None:
                self.start_time_us = timestamp
        elif state_type in TERMINAL:
            if self.end_time is not None:
                self._leave_the_plain_way()
            self.end_time = timestamp
            if self.start_time_us is None:
                self.start_time_us = timestamp
                self._leave_the_plain_way()
        elif state_name != "Pending":
            self._leave_the_plain_way()
        if self.history is not None:
            entry = (state_type, state_name, timestamp, message)
            self.history.append(entry if details is None else (*entry, details))
        self.state_type = state_type
        self.state_name = state_name
        self.state_message = message
        self.state_timestamp = timestamp
        self.refresh()

    def refresh(self) -> None:
        """Make the changing columns anew: at a transition, or when a fact was noted in between."""
        self.now = (
            self.state_type,
            self.state_name,
            self.state_timestamp,
            self.state_message,
            self.start_time_us,
            self.end_time,
            self.run_count,
            self.digest,
            self.result_blob,
            None if self.detail is None else to_json(self.detail),
            None if self.history is None else to_json(self.history),
        )

    def _leave_the_plain_way(self) -> None:
        """From here on the history is kept: it is not Pending, Running, final any more."""
        if self.history is None:
            self.history = [("PENDING", "Pending", self.created, None)]
            if self.run_count and self.start_time_us is not None:
                self.history.append(("RUNNING", "Running", self.start_time_us, None))
            if self.end_time is not None:
                self.history.append((self.state_type, self.state_name, self.end_time, self.state_message))

    @property
    def record(self) -> TaskRunRecord:
        """The row as it stands."""
        if not self.now:
            self.refresh()
        return TaskRunRecord._make(self.fixed + self.now)

    @property
    def task_run(self) -> TaskRun:
        """The task run as it stands; every parameter is among its inputs, also one that came from nowhere."""
        run = super().task_run
        run.task_inputs = {**{name: [] for name in self.parameters}, **run.task_inputs}
        return run

    @property
    def dynamic_key(self) -> str:
        """A UUID that is this call's own."""
        return dynamic_key_of(self.id)

    def call_arguments(self) -> tuple[Any, Any]:
        """How to call the function: as it was called, unless something was resolved."""
        if self.args is not None:
            return self.args, self.kwargs
        return self.task.binder.call_arguments(self.parameters)

    def track_inputs(self) -> bool:
        """Note which runs the arguments came from; whether there is anything to wait for or to resolve."""
        lineage = self.flow.lineage if self.flow is not None else None
        found: dict[str, list[bytes]] | None = None
        needs_a_look = self.wait_for is not None
        for name, value in self.parameters.items():
            if kind_of(type(value)) == PLAIN:
                source = lineage.source_of(value) if lineage is not None else None
                sources = () if source is None else (source,)
            else:
                needs_a_look = True
                sources = sources_of(value, lineage)
            if sources:
                found = found or {}
                found[name] = list(sources)
        if self.wait_for is not None:
            found = found or {}
            found["wait_for"] = sources_of(self.wait_for, lineage)
        if self.backend.names_inputs:
            self.note("task_inputs", {name: [] for name in self.parameters} | self._known_inputs())
        if found:
            self.add_inputs(
                {name: {Source(UUID(bytes=i)) for i in dict.fromkeys(ids)} for name, ids in found.items()}
            )
        return needs_a_look

    def add_inputs(self, inputs: dict[str, set[Any]]) -> None:
        """Keep what the run depends on: objects with an `id` and an `input_type`."""
        known = self._known_inputs()
        for name, sources in inputs.items():
            known[name] = [{"input_type": source.input_type, "id": str(source.id)} for source in sources]
        self.note("task_inputs", known)

    def _known_inputs(self) -> dict[str, Any]:
        return dict((self.detail or {}).get("task_inputs", {}))

    def adopt(self, row: TaskRunRecord) -> None:
        """Be the run that an earlier attempt has recorded: its id, its state, its result."""
        from prefect._engine import replay  # only a resumed run needs it

        if row.result is not None:
            self.value = replay.decode(row.result)
        else:
            from prefect._engine import persistence  # 150 ms of import that only persisted results need

            self.value = persistence.read_recorded(row)
        self.id = row.id
        self.name = row.name
        if self.flow is not None:
            row = row._replace(attempt=self.flow.attempt)  # should it be written again
        self.fixed, self.now = tuple(row[:CHANGING]), tuple(row[CHANGING:])
        self.created, self.start_time_us, self.end_time = row.created, row.start_time, row.end_time
        self.detail = from_json(row.detail) if row.detail else None
        self.history = from_json(row.history) if row.history else None
        self.state_type, self.state_name = row.state_type, row.state_name
        self.state_message, self.state_timestamp = row.state_message, row.state_timestamp
        self.run_count = row.run_count
        self.done = True

    def abandon(self) -> None:
        """The runner will not start it any more, or it is to stop where it is."""
        if not self.run_count and not self.done:
            self.exception = CancelledRun("Run cancelled.")
            self.transition("CANCELLED", "Cancelled", "The flow run ended before the task was started.")
            self.done = True
            if self.future is not None:
                self.future.set_done()

    def give_up(self) -> None:
        """It was told to stop and has not: its thread is blocked where it cannot be interrupted."""
        if not self.done:
            stopping = self.flow is not None and self.flow.stopping
            state = ("CANCELLED", "Cancelled") if stopping else ("CRASHED", "Crashed")
            self.exception = CancelledRun("Run cancelled.")
            self.transition(
                *state,
                "Its thread is blocked and cannot be interrupted: it may go on until the process ends.",
            )
            self.done = True
            self.logger().warning("%s", self.state_message)

    def break_off(self, exc: BaseException) -> None:
        """The runner could not run it to its end."""
        self.exception = exc
        if not self.done:
            self.transition("CRASHED", "Crashed", crash_message(exc))
            self.done = True
            self.logger().error("Crash detected! %s", self.state_message, exc_info=exc)

    def logger(self) -> logging.LoggerAdapter[Any]:
        """The run's logger."""
        from prefect._engine.loggers import task_logger  # the logging room is set up by the first line

        return task_logger(self)

    def failure_message(self) -> str:
        """The message of a Failed state (behaviour 22)."""
        exc = self.exception
        if isinstance(exc, TimeoutError) and type(exc).__name__ == "TaskRunTimeoutError":
            return f"Task run exceeded timeout of {self.task.timeout_seconds} second(s)"
        return f"Task run encountered an exception {type(exc).__name__}: {exc}".rstrip(": ")

    def failed_state(self) -> State[Any]:
        """The Failed state that would be entered now."""
        from prefect.states import State, StateType  # 150 ms of import that only code which looks needs

        return State(type=StateType.FAILED, message=self.failure_message(), data=self.exception)

    @property
    def state(self) -> State[Any]:
        """The present state, with the result or the exception it holds in this process."""
        from prefect.model.history import states_of
        from prefect.states import State  # 150 ms of import that only code which looks needs

        state: State[Any] = State.from_record(
            states_of(self.record)[-1],
            flow_run_id=self.flow.id if self.flow is not None else None,
            task_run_id=self.id,
        )
        if self.returned_state is not None:
            state.data = self.returned_state.data
        elif self.state_type == "COMPLETED":
            if self.task.cache_result_in_memory:
                state.hold_result(self.value)
            else:
                state.data = self.persisted
        elif self.state_type in TERMINAL:
            state.data = self.exception
        return state

    def answer(self) -> Any:
        """What a direct call of the task gives (behaviours 19, 26 and 27)."""
        if self.returned_state is not None:
            return self.value
        if self.exception is not None:
            raise self.exception
        return self._value() if self.done else None

    def result(self, *, raise_on_failure: bool = True) -> Any:
        """What the future of the run gives."""
        if self.returned_state is not None:
            return read_state(self.state, raise_on_failure=raise_on_failure)
        if self.exception is not None and raise_on_failure:
            raise self.exception
        if self.exception is not None:
            return self.exception
        if self.done:
            return self._value()
        raise UnfinishedRun(f"Run is in {self.state_type} state, its result is not available.")

    def _value(self) -> Any:
        waits_for_commit = self.transaction is not None and self.transaction.is_staged()
        if self.task.cache_result_in_memory or waits_for_commit:
            return self.value
        if self.persisted is None:
            raise MissingResult
        from prefect._engine import persistence  # 150 ms of import that only persisted results need

        return persistence.read(self.persisted)
