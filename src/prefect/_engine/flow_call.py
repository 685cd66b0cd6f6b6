"""One call of a flow: what is known of it while it runs. It is also the context of the code it runs."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from prefect._base import clock
from prefect._base.ids import new_id
from prefect._engine.counting import next_number
from prefect._engine.effects import Verb
from prefect._engine.inputs import read_state
from prefect._engine.lineage import Lineage
from prefect._engine.task_facts import TERMINAL
from prefect.context import EngineContext
from prefect.exceptions import TerminationSignal
from prefect.model.outcome import is_state
from prefect.model.records import StateRecord
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterable, Iterator
    from contextlib import AbstractContextManager

    from prefect._backend.protocol import Answer, Backend
    from prefect._engine.replay import Recorded
    from prefect._engine.task_call import TaskCall
    from prefect._engine.tracking import TrackingCall
    from prefect.client.schemas.objects import State
    from prefect.flows import Flow
    from prefect.model.outcome import Outcome
    from prefect.model.records import FlowRunRecord
    from prefect.task_runners import TaskRunner

_PAUSES = " pauses"  # among the counters of task keys, which hold no space
# what somebody else may have written to the row of a run that is executed here
_CHANGED_ELSEWHERE = ("state", "policy", "run_count", "start_time", "total_run_time", "updated")


class FlowCall(EngineContext):
    """A flow run from its creation to its end.

    `recorded` holds what an earlier attempt has recorded while a resumed attempt may replay it; `cancelled` is set
    by whoever asks the run to stop; `outcome` is what the function's return value or exception came to; `ends_unheard`
    says that a final state is on its way to a server, and nobody waits for the answer any more.
    """

    __slots__ = (
        "_counters",
        "_logger",
        "_result_store",
        "args",
        "cancelled",
        "ends_unheard",
        "exception",
        "flow",
        "id",
        "interrupt",
        "kept_subflows",
        "kwargs",
        "lineage",
        "log_prints",
        "outcome",
        "parameters",
        "parent",
        "parent_task",
        "persist_result",
        "persisted",
        "record",
        "record_limit",
        "recorded",
        "replayed",
        "subflows",
        "taken_up",
        "task_runner",
        "tracking",
        "value",
        "view",
        "wait_for",
    )

    def __init__(
        self,
        flow: Flow[..., Any],
        parameters: dict[str, Any],
        *,
        backend: Backend,
        parent: FlowCall | None = None,
        parent_task: TaskCall | None = None,
        wait_for: Iterable[Any] | None = None,
    ) -> None:
        self.flow = flow
        self.parameters = parameters
        self.args: tuple[Any, ...] | None = None
        self.kwargs: dict[str, Any] | None = None
        self.backend = backend
        self.parent = parent
        self.parent_task = parent_task
        self.wait_for = wait_for
        self.id = b""
        self.taken_up = False
        self.replayed = False
        self.lineage = Lineage()
        self.recorded: Recorded | None = None
        self.record_limit = 0
        self.tracking: TrackingCall | None = None
        self.value: Any = None
        self.exception: BaseException | None = None
        self.outcome: Outcome | None = None
        self.persisted: Any = None
        self.cancelled = self.ends_unheard = False
        self.interrupt: Callable[[], None] | None = None
        self.view: Any = None
        self._counters: dict[str, Iterator[int]] = {}
        self._result_store = self._task_stores = None
        self._logger: logging.LoggerAdapter[Any] | None = None
        # results of subflows that a retry in this process reuses, by memo: those that are persisted (behaviour 44)
        self.kept_subflows: dict[str | None, Any] = {}
        self.subflows: dict[str, Iterator[int]] = {}
        self.record: FlowRunRecord
        self.task_runner: TaskRunner[Any]
        self._decide_options()

    def _decide_options(self) -> None:
        """Options that the flow leaves open are the parent's, or else the settings'."""
        flow, parent, settings = self.flow, self.parent, get_current_settings()
        self.record_limit = settings.results.record_max_bytes
        if flow.log_prints is not None:
            self.log_prints = flow.log_prints
        else:
            self.log_prints = parent.log_prints if parent is not None else settings.logging.log_prints
        if flow.persist_result is not None:
            self.persist_result = flow.persist_result
        else:
            self.persist_result = (
                parent.persist_result if parent is not None else settings.results.persist_by_default
            )

    @property
    def caller(self) -> TaskCall | FlowCall | None:
        """The run whose code has called the flow."""
        return self.parent_task or self.parent

    @property
    def attempt(self) -> int:
        """The fencing token of this execution."""
        return self.record.attempt

    @property
    def run_count(self) -> int:
        """How often the run has entered Running."""
        return self.record.run_count

    def next_memo(self, task_key: str) -> str:
        """The name of the next call of a task made by the flow's own code: the task's key and the order."""
        return f"{task_key}:{next_number(self._counters, task_key)}"

    def next_subflow(self, name: str) -> int:
        """How many subflows of that name were called before."""
        return next_number(self.subflows, name)

    def start_over(self) -> None:
        """Before the function is called (again): calls are counted from the start."""
        self._counters = {}
        self.subflows = {}

    @property
    def stopping(self) -> bool:
        """Whether this run, or one it is part of, was asked to stop."""
        return self.cancelled or (self.parent is not None and self.parent.stopping)

    @contextmanager
    def scope(self) -> Generator[None, None, None]:
        """What is in force while the function runs: its task runner, its prints."""
        self.interrupt = Interruptible(TerminationSignal)
        self.task_runner = self.flow.new_task_runner()
        with self.task_runner, _prints_logged() if self.log_prints else nullcontext():
            yield

    def take_up(self, record: FlowRunRecord) -> None:
        """The run is on record, and this process executes it."""
        self.record = record
        self.id = record.id  # a Prefect server gives runs ids of its own
        self.taken_up = True

    def propose(
        self, state_type: str, state_name: str, message: str | None = None, **options: Any
    ) -> Generator[Any, Any, Answer]:
        """Ask for a state; the run's record is what the backend made of it.

        Args:
            state_type: the type's name.
            state_name: the state's own name.
            message: for people.
            options: `data` and `details` of the state; `force` and `changes` as the backend takes them.
        """
        data, details = options.pop("data", None), options.pop("details", None)
        state = StateRecord(new_id(), state_type, state_name, clock.now_us(), message, data, details)
        tracking, record = self.tracking, self.record

        def ask() -> Answer:
            if tracking is not None:
                tracking.mirror(state)  # before: a terminal proposal commits it together with the child's
            return self.backend.propose_flow_run_state(
                self.id, state, attempt=record.attempt, known=record, **options
            )

        def adopt(answer: Answer) -> None:
            self.record = answer.run
            if tracking is not None and answer.run.state.name != state_name:
                tracking.mirror(answer.run.state)

        verb = Verb(self.backend, ask, adopt)
        try:
            return (yield verb)
        finally:
            self.ends_unheard = verb.abandoned and state_type in TERMINAL

    def look(self) -> Generator[Any, Any, FlowRunRecord]:
        """See what has become of the run; its record is up to date then. Raises ObjectNotFound."""

        def adopt(found: FlowRunRecord) -> None:
            changed = {name: getattr(found, name) for name in _CHANGED_ELSEWHERE}
            self.record = self.record._replace(**changed)
            if found.state.type == "CANCELLING":  # seen before the journal's thread has told
                self.cancel()

        yield Verb(self.backend, lambda: self.backend.read_flow_run(self.id), adopt)
        return self.record

    def next_pause_key(self) -> str:
        """The name of the next pause that has none of its own: its number in the order of the code."""
        return str(next_number(self._counters, _PAUSES) + 1)

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        """What another process needs to be part of this flow run."""
        _ = include_secrets
        return {
            "flow": self.flow,
            "record": tuple(self.record),
            "parameters": self.parameters,
            "log_prints": self.log_prints,
            "persist_result": self.persist_result,
        }

    def cancel(self) -> None:
        """Somebody asked the run to stop: called from the journal's thread."""
        if not self.cancelled:
            self.cancelled = True
            if self.interrupt is not None:
                self.interrupt()

    def logger(self) -> logging.LoggerAdapter[Any]:
        """The run's logger."""
        if self._logger is None:
            from prefect._engine.loggers import flow_logger  # the logging room is set up by the first line

            self._logger = flow_logger(self)
        return self._logger

    def forget_logger(self) -> None:
        """The run has another name."""
        self._logger = None

    def root_view(self) -> Any:
        """The live terminal view, if there is one: the outermost run's."""
        return self.view if self.parent is None else self.parent.root_view()

    def answer(self, return_state: bool) -> Any:
        """What a call of the flow gives."""
        if self.replayed:
            return self.state if return_state else self.value
        if return_state:
            return self.state
        if self.exception is not None:
            raise self.exception
        outcome = self.outcome
        if outcome is None:
            return read_state(
                self.state
            )  # the rules decided otherwise; raises for a run that has not completed
        if outcome.state is not None and outcome.state is self.value:
            return read_state(self.value)
        if is_state(self.value) and outcome.type != "COMPLETED":
            return read_state(self.value)
        return self.value

    @property
    def state(self) -> State[Any]:
        """The present state, with the result or the exception it holds in this process."""
        from prefect.states import Completed, State  # 150 ms of import that only code which looks needs

        if self.replayed:
            return Completed().hold_result(self.value)
        state: State[Any] = State.from_record(
            self.record.state,
            flow_run_id=self.id,
            task_run_id=self.tracking.id if self.tracking is not None else None,
        )
        if self.outcome is not None and self.outcome.state is not None:
            state.data = self.outcome.state.data
        elif self.exception is not None:
            state.data = self.exception
        elif self.persisted is not None:
            state.data = self.persisted
        elif state.is_final() and self.flow.cache_result_in_memory:
            state.hold_result(self.value)
        return state


def _prints_logged() -> AbstractContextManager[None]:
    from prefect.logging.loggers import patch_print  # the logging room is set up by the first line

    return patch_print()


class Interruptible:
    """How to interrupt the thread that executes a run; made in that thread."""

    def __init__(self, exception: type[BaseException]) -> None:
        self._exception = exception
        self._ident = threading.get_ident()
        self._main = threading.current_thread() is threading.main_thread()
        self._loop_task = _current_asyncio_task()

    def __call__(self) -> None:
        """Interrupt it: by a signal on the main thread, by cancelling a coroutine, or between two bytecodes."""
        import signal  # only a cancellation needs it

        from prefect._base.interrupting import raise_in_thread  # only a cancellation needs it

        if self._loop_task is not None:
            self._loop_task.get_loop().call_soon_threadsafe(self._loop_task.cancel)
        elif self._main and hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._ident, signal.SIGTERM)
        else:
            raise_in_thread(self._ident, self._exception)


def _current_asyncio_task() -> Any:

    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
