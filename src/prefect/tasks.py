"""Tasks: functions whose every call is a run that is observed, retried, cached and resumed."""

from __future__ import annotations

import hashlib
import inspect
import itertools
from collections.abc import Callable, Coroutine, Iterable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Literal, Protocol, TypeVar, cast, overload

from typing_extensions import ParamSpec, Self, Unpack

from prefect import _options
from prefect._base.hashing import stable_digest
from prefect._base.modules import module_of
from prefect._base.notset import NotSet
from prefect._base.source import source_of
from prefect._callables import WrappedFunction, default_name, require_saved
from prefect._engine import run as engine
from prefect._options import TaskOptions
from prefect.cache_policies import DEFAULT, NO_CACHE, CachePolicy
from prefect.context import EngineContext, TaskRunContext
from prefect.logging.loggers import get_logger
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State, TaskRun
    from prefect.futures import PrefectDistributedFuture, PrefectFuture, PrefectFutureList

__all__ = [
    "RetryConditionCallable",
    "StateHookCallable",
    "Task",
    "TaskOptions",
    "TaskRunNameCallbackWithParameters",
    "exponential_backoff",
    "task",
    "task_input_hash",
]

P = ParamSpec("P")
P2 = ParamSpec("P2")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


StateHookCallable = Callable[["Task[..., Any]", "TaskRun", "State[Any]"], Any]
RetryConditionCallable = Callable[["Task[..., Any]", "TaskRun", "State[Any]"], Any]
MAXIMUM_DELAYS = 50


class TaskRunNameCallbackWithParameters(Protocol):
    """A `task_run_name` callable that is told the call's parameters."""

    @classmethod
    def is_callback_with_parameters(cls, callable: Callable[..., str]) -> bool:
        """Whether the callable takes `parameters`."""
        return "parameters" in inspect.signature(callable).parameters

    def __call__(self, parameters: dict[str, Any]) -> str:
        """The name of the run."""
        ...


def task_input_hash(*args: Any, **kwargs: Any) -> str | None:
    """A hash of whatever it is given; as a `cache_key_fn`, of the task and its inputs.

    Called with a task run context and a dict of parameters, as a `cache_key_fn` is, the key belongs to the task
    and its source.

    Raises:
        HashError: a part cannot be hashed; the message names it.
    """
    if len(args) == 2 and isinstance(args[0], TaskRunContext) and not kwargs:
        context, parameters = args
        # the source, not the function: what it closes over is no input
        task = context.task
        return stable_digest(task.task_key, task.isasync, source_of(task.fn) or "", parameters).hex()
    return stable_digest(args, kwargs).hex()


class _Backoff:
    """The delays of `exponential_backoff`: called with a number of retries, or iterated (at most 50 delays)."""

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def __call__(self, retries: int) -> list[float]:
        return list(itertools.islice(self, retries))

    def __iter__(self) -> Iterator[float]:
        return (self._factor * 2**i for i in range(MAXIMUM_DELAYS))


def exponential_backoff(backoff_factor: float = 2.0) -> _Backoff:
    """Delays that double: `backoff_factor` * 1, 2, 4, 8 … seconds, for `retry_delay_seconds`."""
    return _Backoff(backoff_factor)


class Task(WrappedFunction[P, R_co]):
    """A function whose every call is a task run. Made by `@task`; see `TaskOptions` for the options.

    Raises:
        TypeError: `fn` cannot be called, or an option has the wrong type.
        ReservedArgumentError: a parameter is called `wait_for` or `return_state`.
        ValueError: too many retry delays, or a negative jitter.
    """

    _options_type = TaskOptions
    _hooks = ("on_completion", "on_failure", "on_running", "on_commit", "on_rollback")
    tags: set[str]
    version: str | None
    task_key: str
    retries: int
    retry_delay_seconds: float | list[float]
    retry_jitter_factor: float | None
    retry_condition_fn: RetryConditionCallable | None
    timeout_seconds: float | None
    cache_policy: CachePolicy | None
    cache_key_fn: Callable[..., str | None] | None
    cache_expiration: timedelta | None
    refresh_cache: bool | None
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    result_storage_key: str | None
    cache_result_in_memory: bool
    log_prints: bool | None
    task_run_name: Callable[..., str] | str | None
    viz_return_value: Any
    on_commit_hooks: list[Callable[..., Any]]
    on_rollback_hooks: list[Callable[..., Any]]

    if TYPE_CHECKING:
        # the base class binds; here is what that does to the parameters
        @overload
        def __get__(self, instance: None, owner: type | None = None) -> Self: ...

        @overload
        def __get__(
            self: Task[Concatenate[Any, P2], R_co], instance: object, owner: type | None = None
        ) -> Task[P2, R_co]: ...

        def __get__(self, instance: Any, owner: type | None = None) -> Any: ...

    def __init__(self, fn: Callable[P, R_co], **options: Unpack[TaskOptions]) -> None:
        given: dict[str, Any] = dict(options)
        _options.check_names(TaskOptions, given, "Task")
        self._given = given
        chosen = _options.with_defaults(TaskOptions, given)
        self._take_hooks("task", chosen)
        self._wrap(fn)
        self._set_identity(chosen)
        self._set_retries(chosen)
        self._set_results(chosen)
        for plain in (
            "log_prints",
            "refresh_cache",
            "viz_return_value",
            "asset_deps",
            "cache_result_in_memory",
        ):
            setattr(self, plain, chosen[plain])
        self.timeout_seconds = float(chosen["timeout_seconds"]) if chosen["timeout_seconds"] else None

    def _set_identity(self, chosen: dict[str, Any]) -> None:
        self.name = chosen["name"] or default_name(self._wrapped)
        self.description = chosen["description"] or inspect.getdoc(self._wrapped)
        self.version = chosen["version"]
        self.tags = set(chosen["tags"] or ())
        self.task_run_name = chosen["task_run_name"]
        if self.task_run_name is not None and not (
            isinstance(self.task_run_name, str) or callable(self.task_run_name)
        ):
            raise TypeError(
                "Expected string or callable for 'task_run_name'; "
                f"got {type(self.task_run_name).__name__} instead."
            )
        # a script that is run, imported, or loaded to resume a run has the same tasks
        origin = f"{module_of(self._wrapped)}.{getattr(self._wrapped, '__qualname__', self.name)}"
        self.task_key = f"{default_name(self._wrapped)}-{hashlib.sha256(origin.encode()).hexdigest()[:8]}"

    def _set_retries(self, chosen: dict[str, Any]) -> None:
        settings = get_current_settings().tasks
        self.retries = settings.default_retries if chosen["retries"] is None else chosen["retries"]
        delay = chosen["retry_delay_seconds"]
        self.retry_delay_seconds = _delays(
            settings.default_retry_delay_seconds if delay is None else delay, self.retries
        )
        self.retry_jitter_factor = chosen["retry_jitter_factor"]
        if self.retry_jitter_factor is not None and self.retry_jitter_factor < 0:
            raise ValueError("`retry_jitter_factor` must be >= 0")
        self.retry_condition_fn = chosen["retry_condition_fn"]
        if self.retry_condition_fn is not None and not callable(self.retry_condition_fn):
            raise TypeError(
                f"Expected `retry_condition_fn` to be callable, got {type(self.retry_condition_fn).__name__} instead."
            )

    def _set_results(self, chosen: dict[str, Any]) -> None:
        """What is persisted and under which key (behaviours 53 and 54)."""
        for option in (
            "result_storage",
            "result_serializer",
            "result_storage_key",
            "cache_key_fn",
            "cache_expiration",
        ):
            setattr(self, option, chosen[option])
        require_saved(self.result_storage)
        asked = chosen["cache_policy"]
        policy: CachePolicy | None = _default_policy() if asked is NotSet else asked
        asks_for_caching = policy is not None and asked is not NotSet and policy != NO_CACHE
        implied = (
            asks_for_caching
            or self.cache_key_fn is not None
            or self.result_storage_key is not None
            or self.result_storage is not None
            or self.result_serializer is not None
        )
        self.persist_result = chosen["persist_result"]
        if self.persist_result is None and implied:
            self.persist_result = True
        if self.cache_key_fn is not None:
            if asks_for_caching:
                get_logger("tasks").warning(
                    "Both `cache_policy` and `cache_key_fn` are set on task '%s'. `cache_key_fn` will be used.",
                    self.name,
                )
            policy = CachePolicy.from_cache_key_fn(self.cache_key_fn)
        if self.result_storage_key is not None:
            policy = None
        if self.persist_result is False:
            if asks_for_caching or self.cache_key_fn is not None:
                get_logger("tasks").warning("Ignoring `cache_policy` because `persist_result` is False")
            policy = NO_CACHE
        self.cache_policy = policy

    def with_options(self, **options: Unpack[TaskOptions]) -> Task[P, R_co]:
        """A copy of the task with some options changed (behaviour 8)."""
        return self._with_options(dict(options))

    @overload
    def __call__(
        self: Task[P, Coroutine[Any, Any, T]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> Coroutine[Any, Any, State[T]]: ...

    @overload
    def __call__(  # pyright: ignore[reportOverlappingOverload] the first that fits is meant
        self, *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[R_co]: ...

    @overload
    def __call__(self, *args: Any, wait_for: Any, **kwargs: Any) -> R_co: ...

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task here and give its result.

        `return_state=True` gives the final State instead; `wait_for=[…]` waits for other runs first.

        Raises:
            ParameterBindError: the arguments do not fit.
            Exception: what the function raises once its retries are used up.
        """
        if not kwargs:
            return engine.call_task(self, args, kwargs)
        return_state: Any = kwargs.pop("return_state", False)
        wait_for: Any = kwargs.pop("wait_for", None)
        if return_state and self.isgenerator:
            raise ValueError("The return_type for a generator task must be 'result'")
        return engine.call_task(self, args, kwargs, wait_for=wait_for, return_state=return_state)

    @overload
    def submit(  # pyright: ignore[reportOverlappingOverload] - of a coroutine function, the state of its result
        self: Task[P, Coroutine[Any, Any, T]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[T]: ...

    @overload
    def submit(  # pyright: ignore[reportOverlappingOverload] the first that fits is meant
        self, *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> State[R_co]: ...

    @overload
    def submit(
        self: Task[P, Coroutine[Any, Any, T]], *args: Any, wait_for: Any, **kwargs: Any
    ) -> PrefectFuture[T]: ...

    @overload
    def submit(self, *args: Any, wait_for: Any, **kwargs: Any) -> PrefectFuture[R_co]: ...

    @overload
    def submit(
        self: Task[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> PrefectFuture[T]: ...

    @overload
    def submit(self, *args: P.args, **kwargs: P.kwargs) -> PrefectFuture[R_co]: ...

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        """Start a run in the flow's task runner, and give its future at once.

        `return_state=True` waits and gives the final State; `wait_for=[…]` waits for other runs first.

        Raises:
            RuntimeError: there is no flow run around (behaviour 32).
            ParameterBindError: the arguments do not fit.
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        parameters = self.binder.bind(args, kwargs)
        flow_run = EngineContext.get()
        if flow_run is None:
            raise RuntimeError(
                "Unable to determine task runner to use for submission. If you are submitting a task outside of a "
                "flow, please use `.delay` to submit the task run for deferred execution."
            )
        future: Any = flow_run.task_runner.submit(self, parameters, wait_for=wait_for)
        if return_state:
            future.wait()
            return future.state
        return future

    @overload
    def map(  # pyright: ignore[reportOverlappingOverload] - of a coroutine function, the states of its results
        self: Task[P, Coroutine[Any, Any, T]], *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> list[State[T]]: ...

    @overload
    def map(  # pyright: ignore[reportOverlappingOverload] the first that fits is meant
        self, *args: Any, return_state: Literal[True], **kwargs: Any
    ) -> list[State[R_co]]: ...

    @overload
    def map(self: Task[P, Coroutine[Any, Any, T]], *args: Any, **kwargs: Any) -> PrefectFutureList[T]: ...

    @overload
    def map(self, *args: Any, **kwargs: Any) -> PrefectFutureList[R_co]: ...

    def map(self, *args: Any, **kwargs: Any) -> Any:
        """Start a run for each item of the iterable arguments, and give their futures at once.

        `unmapped(x)` passes x to every run; `return_state=True` waits and gives the final states.

        Raises:
            MappingLengthMismatch: the iterables differ in length.
            MappingMissingIterable: there is none.
            RuntimeError: there is no flow run around (behaviour 32).
        """
        return_state = kwargs.pop("return_state", False)
        wait_for = kwargs.pop("wait_for", None)
        deferred = kwargs.pop("deferred", False)
        parameters = self.binder.bind_given(args, kwargs)
        if deferred:
            from prefect._engine.deferred import (
                defer_all,
            )  # pickles parameters: only background tasks need it

            return cast("Any", defer_all(self, parameters, wait_for))
        flow_run = EngineContext.get()
        if flow_run is None:
            raise RuntimeError(
                "Unable to determine task runner to use for mapped task runs. If you are mapping a task outside of a "
                "flow, please provide `deferred=True` to submit the mapped task runs for deferred execution."
            )
        futures: Any = flow_run.task_runner.map(self, parameters, wait_for=wait_for)
        if return_state:
            states: Any = []
            for future in futures:
                future.wait()
                states.append(future.state)
            return states
        return futures

    def apply_async(
        self,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[Any]] | None = None,
    ) -> PrefectDistributedFuture[R_co]:
        """Leave a run for a task worker to execute, and give its future at once (behaviour 67).

        Raises:
            ParameterBindError: the arguments do not fit.
        """
        from prefect._engine.deferred import defer  # pickles parameters: only background tasks need it

        return defer(self, self.binder.bind(args or (), kwargs or {}), wait_for, dependencies)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> PrefectDistributedFuture[R_co]:
        """`apply_async`, called like the function."""
        return self.apply_async(args, kwargs)

    def on_commit(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Add a hook for when the run's transaction is committed; usable as a decorator."""
        self.on_commit_hooks.append(fn)
        return fn

    def on_rollback(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Add a hook for when the run's transaction is rolled back; usable as a decorator."""
        self.on_rollback_hooks.append(fn)
        return fn

    def __repr__(self) -> str:
        return f"<Task {self.name!r}>"

    def __reduce__(self) -> Any:
        return object.__reduce__(self)


def _default_policy() -> CachePolicy:
    return NO_CACHE if get_current_settings().tasks.default_no_cache else DEFAULT


def _delays(given: Any, retries: int) -> float | list[float]:
    """The delays as a number or a list. Raises TypeError or ValueError (behaviour 7)."""
    if callable(given):
        given = given(retries)
    if isinstance(given, (list, tuple)):
        delays = [float(delay) for delay in cast("list[Any]", given)]
        if len(delays) > MAXIMUM_DELAYS:
            raise ValueError(f"Can not configure more than {MAXIMUM_DELAYS} retry delays per task.")
        return delays
    if isinstance(given, (int, float)):
        return given
    raise TypeError(
        f"Invalid `retry_delay_seconds` provided; must be an int, float, list or callable. "
        f"Received type {type(given)}"
    )


@overload
def task(fn: Callable[P, R_co], /) -> Task[P, R_co]: ...


@overload
def task(
    fn: None = None, /, **options: Unpack[TaskOptions]
) -> Callable[[Callable[P, R_co]], Task[P, R_co]]: ...


def task(fn: Any = None, /, **options: Unpack[TaskOptions]) -> Any:
    """Turn a function into a task: `@task` or `@task(retries=3)`. See `TaskOptions` for the options."""
    if fn is None:
        return partial(Task, **options)
    return Task(fn, **options)


task.__signature__ = _options.signature_of(TaskOptions, leading="fn")  # type: ignore[attr-defined]
Task.with_options.__signature__ = _options.signature_of(TaskOptions, leading="self")  # type: ignore[attr-defined]
