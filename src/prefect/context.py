"""The run contexts: what the code of a flow or task can ask about where it runs.

Plain objects over context variables. The engine's own run objects derive from them, so that entering a context
costs one `ContextVar.set`; the pydantic models of a run are made when somebody looks.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Union

from typing_extensions import Self

from prefect._base import current
from prefect._base.clock import now, to_datetime
from prefect.exceptions import MissingContextError
from prefect.settings import temporary_settings
from prefect.settings.context import SettingsContext, get_settings_context, use_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager
    from contextvars import Token
    from datetime import datetime

    from prefect._backend.protocol import Answer, Backend
    from prefect._base_transaction import BaseTransaction
    from prefect.flows import Flow
    from prefect.model.records import FlowRunRecord, TaskRunRecord
    from prefect.model.runs import FlowRun, TaskRun
    from prefect.results import ResultStore
    from prefect.task_runners import TaskRunner
    from prefect.tasks import Task

__all__ = [
    "ContextModel",
    "EngineContext",
    "FlowRunContext",
    "RunContext",
    "SettingsContext",
    "TagsContext",
    "TaskRunContext",
    "get_run_context",
    "get_settings_context",
    "hydrated_context",
    "serialize_context",
    "tags",
    "use_profile",
]


class ContextModel:
    """The base: `with context:` puts it in force, `Class.get()` asks for the one in force."""

    __slots__ = ("_tokens",)
    _var: ClassVar[ContextVar[Any]]
    _tokens: list[Token[Any]]

    @classmethod
    def get(cls) -> Self | None:
        """The context in force, or None."""
        return cls._var.get()

    def __enter__(self) -> Self:
        if not hasattr(self, "_tokens"):
            self._tokens = []
        self._tokens.append(self._var.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._var.reset(self._tokens.pop())


class RunContext(ContextModel):
    """What flow run and task run contexts share."""

    __slots__ = ("_result_store", "log_prints", "parameters", "persist_result")
    parameters: dict[str, Any]
    log_prints: bool
    persist_result: bool
    _result_store: ResultStore | None

    @property
    def result_store(self) -> ResultStore:
        """Where the results of this run are kept."""
        if self._result_store is None:
            self._result_store = self._make_result_store()
        return self._result_store

    def _make_result_store(self) -> ResultStore:
        raise NotImplementedError

    @property
    def caller(self) -> RunContext | None:
        """The run whose code has started this one, or None."""
        return None

    def own_transaction(self, *, make: bool = True) -> BaseTransaction | None:
        """The transaction that this run is: every task run is one, made where it is needed, a flow run is none."""
        _ = make
        return None

    @property
    def start_time(self) -> datetime:
        """When the run started; now, if it has not."""
        return now()


class EngineContext(RunContext):
    """The context of a flow run."""

    __slots__ = ("_task_stores", "backend", "flow", "record", "task_runner")
    _var: ClassVar[ContextVar[Any]] = current.flow_run
    backend: Backend
    flow: Flow[..., Any]
    record: FlowRunRecord
    _task_stores: dict[Task[..., Any], ResultStore] | None
    task_runner: TaskRunner[Any]

    @property
    def runs_async(self) -> bool:
        """Whether the code of the flow is asynchronous."""
        return self.flow.isasync

    @property
    def flow_run(self) -> FlowRun:
        """The flow run as it stands."""
        from prefect.model.runs import FlowRun  # 150 ms of import that only code which looks needs

        return FlowRun.from_record(self.record)

    @property
    def start_time(self) -> datetime:
        """When the flow run started."""
        return to_datetime(self.record.start_time) if self.record.start_time else now()

    def propose(
        self, state_type: str, state_name: str, message: str | None = None, **options: Any
    ) -> Generator[Any, Any, Answer]:
        """Ask for a state of the run, as its executor."""
        raise NotImplementedError

    def look(self) -> Generator[Any, Any, FlowRunRecord]:
        """See what has become of the run; its record is up to date then."""
        raise NotImplementedError

    def next_pause_key(self) -> str:
        """The name of the next pause that has none of its own: its number in the order of the code."""
        raise NotImplementedError

    def serialize(self, include_secrets: bool = True) -> dict[str, Any]:
        """What another process needs to be part of this flow run."""
        raise NotImplementedError

    @classmethod
    def deserialize(cls, serialized: dict[str, Any]) -> AbstractContextManager[EngineContext]:
        """The context of `serialize` in another process."""
        for restore in _restorers:
            return restore(serialized)
        raise RuntimeError("Expected `prefect.flows` to be imported before a context is taken up, got none.")

    def _make_result_store(self) -> ResultStore:
        from prefect.results import ResultStore  # 150 ms of import that only persisted results need

        parent = EngineContext._var.get()
        base = parent.result_store if parent is not None and parent is not self else ResultStore()
        return base.update_for_flow(self.flow)

    def result_store_of(self, task: Task[..., Any]) -> ResultStore:
        """Where the results of a task are kept in this flow run; worked out once."""
        if self._task_stores is None:
            self._task_stores = {}
        store = self._task_stores.get(task)
        if store is None:
            store = self._task_stores[task] = self.result_store.update_for_task(task)
        return store


FlowRunContext = EngineContext
_restorers: list[Callable[[dict[str, Any]], AbstractContextManager[EngineContext]]] = []


def register_restorer(restore: Callable[[dict[str, Any]], AbstractContextManager[EngineContext]]) -> None:
    """The engine says how a flow run's context is taken up in another process."""
    _restorers[:] = [restore]


class TaskRunContext(RunContext):
    """The context of a task run."""

    __slots__ = ("task",)
    _var: ClassVar[ContextVar[Any]] = current.task_run
    task: Task[..., Any]

    @property
    def runs_async(self) -> bool:
        """Whether the code of the task is asynchronous."""
        return self.task.isasync

    @property
    def record(self) -> TaskRunRecord:
        """The row of the task run as it stands."""
        raise NotImplementedError

    @property
    def task_run(self) -> TaskRun:
        """The task run as it stands."""
        from prefect.model.runs import TaskRun  # 150 ms of import that only code which looks needs

        return TaskRun.from_record(self.record)

    @property
    def start_time(self) -> datetime:
        """When the task run started."""
        started = self.record.start_time
        return to_datetime(started) if started else now()

    def _make_result_store(self) -> ResultStore:
        flow_run: EngineContext | None = EngineContext._var.get()
        if flow_run is not None:
            return flow_run.result_store_of(self.task)
        from prefect.results import ResultStore  # 150 ms of import that only persisted results need

        return ResultStore().update_for_task(self.task)


class TagsContext(ContextModel):
    """The tags that runs started here get."""

    __slots__ = ("current_tags",)
    _var: ClassVar[ContextVar[Any]] = ContextVar("prefect_tags", default=None)

    def __init__(self, current_tags: set[str] | None = None) -> None:
        self.current_tags: set[str] = current_tags or set()

    @classmethod
    def get(cls) -> Self:
        """The tags in force; an empty context outside any."""
        return cls._var.get() or cls()


def current_tags() -> frozenset[str] | set[str]:
    """The tags in force, without making a context."""
    context = TagsContext._var.get()
    return context.current_tags if context is not None else _NO_TAGS


_NO_TAGS: frozenset[str] = frozenset()


@contextmanager
def tags(*new_tags: str) -> Generator[set[str], None, None]:
    """Add tags to the flow and task runs that are started inside the block; the tags in force there."""
    combined = TagsContext.get().current_tags | set(new_tags)
    with TagsContext(combined):
        yield combined


def serialize_context() -> dict[str, Any]:
    """The contexts in force, for `hydrated_context` in another process; to be pickled by value (cloudpickle)."""
    flow_run = EngineContext.get()
    return {
        "flow_run_context": flow_run.serialize() if flow_run is not None else None,
        "tags_context": {"current_tags": set(current_tags())},
        "settings_context": SettingsContext.get().serialize(),
    }


@contextmanager
def hydrated_context(
    serialized_context: dict[str, Any] | None = None, client: Any = None
) -> Generator[None, None, None]:
    """Put contexts from `serialize_context` in force inside the block."""
    _ = client
    with ExitStack() as stack:
        if serialized_context:
            stack.enter_context(temporary_settings(serialized_context["settings_context"]["settings"]))
            stack.enter_context(TagsContext(serialized_context["tags_context"]["current_tags"]))
            flow_run = serialized_context["flow_run_context"]
            if flow_run is not None:
                stack.enter_context(EngineContext.deserialize(flow_run))
        yield


def get_run_context() -> Union[EngineContext, TaskRunContext]:
    """The context of the task run, or else of the flow run, that this code is part of.

    Raises:
        MissingContextError: it is part of neither.
    """
    context = TaskRunContext.get() or EngineContext.get()
    if context is None:
        raise MissingContextError("No run context available. You are not in a flow or task run context.")
    return context
