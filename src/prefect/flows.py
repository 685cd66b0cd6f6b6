"""Flows: functions whose every call is a run with parameters, tasks, states and an end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, Protocol, TypeVar, overload

from typing_extensions import ParamSpec, Self, Unpack, get_type_hints

from prefect import _options
from prefect._base.dual import dual, in_thread
from prefect._base.jsonable import to_jsonable
from prefect._callables import WrappedFunction, default_name, require_saved, source_file, source_hash
from prefect._engine import parameters as engine_parameters
from prefect._engine import run as engine
from prefect._options import FlowOptions
from prefect._serve import aserve, serve
from prefect.exceptions import InvalidNameError
from prefect.settings import get_current_settings

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.schemas.objects import FlowRun, State
    from prefect.deployments._options import DeploymentOptions
    from prefect.deployments._pull import load_flow_from_flow_run
    from prefect.deployments.runner import RunnerDeployment
    from prefect.docker.docker_image import DockerImage
    from prefect.model.concurrency import ConcurrencyLimitConfig
    from prefect.task_runners import TaskRunner

__all__ = [
    "Flow",
    "FlowStateHook",
    "aserve",
    "flow",
    "load_flow_from_entrypoint",
    "load_flow_from_flow_run",
    "serve",
]

P = ParamSpec("P")
P2 = ParamSpec("P2")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
BANNED_CHARACTERS = ["/", "%", "&", ">", "<"]


class FlowStateHook(Protocol):
    """A hook of a flow: called with the flow, its run and the state it has entered; sync or async."""

    __name__: str

    def __call__(self, flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> Any:
        """React to the state."""
        ...


class Flow(WrappedFunction[P, R_co]):
    """A function whose every call is a flow run. Made by `@flow`; see `FlowOptions` for the options.

    Raises:
        TypeError: `fn` cannot be called, or an option has the wrong type.
        InvalidNameError: the name holds one of / % & > <.
        ReservedArgumentError: a parameter is called `wait_for` or `return_state`.
    """

    _options_type = FlowOptions
    _hooks = ("on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running")
    version: str | None
    flow_run_name: Callable[[], str] | str | None
    retries: int
    retry_delay_seconds: float
    timeout_seconds: float | None
    should_validate_parameters: bool
    persist_result: bool | None
    result_storage: Any
    result_serializer: Any
    cache_result_in_memory: bool
    log_prints: bool | None
    on_cancellation_hooks: list[Callable[..., Any]]
    on_crashed_hooks: list[Callable[..., Any]]

    if TYPE_CHECKING:
        # the base class binds; here is what that does to the parameters
        @overload
        def __get__(self, instance: None, owner: type | None = None) -> Self: ...

        @overload
        def __get__(
            self: Flow[Concatenate[Any, P2], R_co], instance: object, owner: type | None = None
        ) -> Flow[P2, R_co]: ...

        def __get__(self, instance: Any, owner: type | None = None) -> Any: ...

    def __init__(self, fn: Callable[P, R_co], **options: Unpack[FlowOptions]) -> None:
        given: dict[str, Any] = dict(options)
        _options.check_names(FlowOptions, given, "Flow")
        self._given = given
        chosen = _options.with_defaults(FlowOptions, given)
        name = chosen["name"]
        if name is not None and not isinstance(name, str):
            raise TypeError(
                f"Expected string for flow parameter 'name'; got {type(name).__name__} instead."
                + (" Perhaps you meant to call it?" if callable(name) else "")
            )
        self._take_hooks("flow", chosen)
        self._wrap(fn)
        self._set_identity(chosen)
        self._set_limits(chosen)
        for plain in (
            "persist_result",
            "result_storage",
            "result_serializer",
            "cache_result_in_memory",
            "log_prints",
        ):
            setattr(self, plain, chosen[plain])
        require_saved(self.result_storage)
        if self.persist_result is None and (
            self.result_storage is not None or self.result_serializer is not None
        ):
            self.persist_result = True

    def _set_identity(self, chosen: dict[str, Any]) -> None:
        name: str | None = chosen["name"]
        if name is None:
            name = default_name(self._wrapped).replace("_", "-")
            self.name = "unknown-lambda" if name == "<lambda>" else name
        else:
            if any(character in name for character in BANNED_CHARACTERS):
                raise InvalidNameError(
                    f"Name {name!r} contains an invalid character. Must not contain any of: {BANNED_CHARACTERS}."
                )
            self.name = name
        self.description = chosen["description"] or inspect.getdoc(self._wrapped)
        self.version = chosen["version"] or source_hash(self._wrapped)
        self.flow_run_name = chosen["flow_run_name"]
        if self.flow_run_name is not None and not (
            isinstance(self.flow_run_name, str) or callable(self.flow_run_name)
        ):
            raise TypeError(
                "Expected string or callable for 'flow_run_name'; "
                f"got {type(self.flow_run_name).__name__} instead."
            )
        self._entrypoint: str | None = None
        self._type_hints: dict[str, Any] | None = None
        self._validator: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    def _set_limits(self, chosen: dict[str, Any]) -> None:
        settings = get_current_settings().flows
        self.retries = settings.default_retries if chosen["retries"] is None else chosen["retries"]
        delay = chosen["retry_delay_seconds"]
        self.retry_delay_seconds = settings.default_retry_delay_seconds if delay is None else delay
        self.timeout_seconds = float(chosen["timeout_seconds"]) if chosen["timeout_seconds"] else None
        self.should_validate_parameters = chosen["validate_parameters"]
        if self.should_validate_parameters and "v__args" in self.binder.names:
            raise ValueError(
                "Flow function is not compatible with `validate_parameters`. Disable validation or change the "
                "argument names."
            )
        self._task_runner = chosen["task_runner"]

    @property
    def task_runner(self) -> TaskRunner[Any]:
        """Where submitted tasks are executed; a ThreadPoolTaskRunner unless given."""
        if self._task_runner is None:
            from prefect.task_runners import (
                ThreadPoolTaskRunner,
            )  # 5 ms that flows without submit do not need

            self._task_runner = ThreadPoolTaskRunner()
        elif isinstance(self._task_runner, type):
            self._task_runner = self._task_runner()
        return self._task_runner

    def new_task_runner(self) -> TaskRunner[Any]:
        """A runner for one run."""
        return self.task_runner.duplicate()

    @property
    def entrypoint(self) -> str | None:
        """How another process finds the flow: `path/to/file.py:name`, or `module:name`; None if it cannot."""
        if self._entrypoint is None:
            path = source_file(self._wrapped)
            name = getattr(self._wrapped, "__qualname__", self.name)
            if path is not None:
                self._entrypoint = f"{Path(path).absolute()}:{name}"
        return self._entrypoint

    @property
    def type_hints(self) -> dict[str, Any]:
        """The annotations of the parameters; what cannot be evaluated is left out."""
        if self._type_hints is None:
            try:
                hints = get_type_hints(self._wrapped, include_extras=True)
            except Exception:
                hints = {
                    n: a
                    for n, a in getattr(self._wrapped, "__annotations__", {}).items()
                    if not isinstance(a, str)
                }
            hints.pop("return", None)
            self._type_hints = hints
        return self._type_hints

    @property
    def parameter_validator(self) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Coerces parameters by annotation; made once."""
        if self._validator is None:
            self._validator = engine_parameters.make_validator(self)
        return self._validator

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters coerced by the function's annotations.

        Raises:
            ParameterTypeError: one is refused.
        """
        return engine_parameters.validated(self, parameters)

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as JSON types, with placeholders for what JSON cannot hold (behaviour 12)."""
        return to_jsonable(parameters)[0]

    def with_options(self, **options: Unpack[FlowOptions]) -> Flow[P, R_co]:
        """A copy of the flow with some options changed (behaviour 8)."""
        return self._with_options(dict(options))

    @overload
    def __call__(
        self: Flow[P, Coroutine[Any, Any, T]], *args: Any, return_state: Literal[True], **kwargs: Any
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
        """Run the flow here and give its result.

        `return_state=True` gives the final State instead; `wait_for=[…]` waits for other runs first.

        Raises:
            ParameterBindError: the arguments do not fit.
            ParameterTypeError: an argument is refused by its annotation.
            Exception: what the function raises once its retries are used up.
        """
        return_state: Any = kwargs.pop("return_state", False)
        wait_for: Any = kwargs.pop("wait_for", None)
        if return_state and self.isgenerator:
            raise ValueError("The return_type for a generator flow must be 'result'")
        parameters = self.binder.bind(args, kwargs)
        return engine.call_flow(self, parameters, wait_for=wait_for, return_state=return_state)

    def on_cancellation(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Add a hook for runs that are cancelled; usable as a decorator."""
        self.on_cancellation_hooks.append(fn)
        return fn

    def on_crashed(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Add a hook for runs that crash; usable as a decorator."""
        self.on_crashed_hooks.append(fn)
        return fn

    @dual
    def to_deployment(self, name: str, **options: Unpack[DeploymentOptions]) -> RunnerDeployment:
        """The flow as a deployment of that name, for `serve` and `deploy`; see `DeploymentOptions`.

        Raises:
            TypeError: there is no such option.
            ValueError: more than one way to schedule it is used; or the flow is defined in no file.
            InvalidNameError: the name holds one of / % & > <.
        """
        from prefect.deployments.runner import RunnerDeployment  # only programs with deployments pay for it

        return RunnerDeployment.from_flow(self, name, **options)

    async def ato_deployment(self, name: str, **options: Unpack[DeploymentOptions]) -> RunnerDeployment:
        """The asynchronous form of `to_deployment`."""
        from prefect.deployments.runner import RunnerDeployment  # only programs with deployments pay for it

        return RunnerDeployment.from_flow(self, name, **options)

    def serve(
        self,
        name: str | None = None,
        *,
        pause_on_shutdown: bool = True,
        print_starting_message: bool = True,
        limit: int | None = None,
        webserver: bool = False,
        global_limit: int | ConcurrencyLimitConfig | None = None,
        **options: Unpack[DeploymentOptions],
    ) -> None:
        """Serve the flow as a deployment: execute its runs, scheduled or asked for, until SIGTERM or SIGINT.

        Args:
            name: of the deployment; the flow's unless given.
            pause_on_shutdown: pause the schedules when this process ends.
            print_starting_message: say what is served, and how to ask for a run.
            limit: how many runs this process executes at once.
            webserver: answer /health, /run_count and /shutdown over HTTP.
            global_limit: how many runs there may be at once, wherever they are executed.
            options: of the deployment; see `DeploymentOptions`.

        Raises:
            TypeError, ValueError: see `to_deployment`.
            DeploymentApplyError: the deployment cannot be registered.
        """
        serve(
            self,
            pause_on_shutdown=pause_on_shutdown,
            print_starting_message=print_starting_message,
            limit=limit,
            webserver=webserver,
            global_limit=global_limit,
            name=name,
            **options,
        )

    @classmethod
    @dual
    def from_source(cls, source: Any, entrypoint: str) -> Flow[..., Any]:
        """A flow whose code is somewhere else; to be deployed from there, or called.

        Args:
            source: a URL that git or fsspec understands, a path, a storage of `prefect.runner.storage` (such as
                `GitRepository` with credentials), or a storage block.
            entrypoint: `path/to/file.py:name` or `package.module:name` within it.

        Raises:
            TypeError: the source is something else.
            RuntimeError: the code cannot be fetched; no credentials stand in the message.
            MissingFlowError, ScriptError: there is no such flow in it, or its script raises.
        """
        from prefect.runner._from_source import flow_from_source  # only programs with deployments pay for it

        return flow_from_source(source, entrypoint)

    @classmethod
    async def afrom_source(cls, source: Any, entrypoint: str) -> Flow[..., Any]:
        """The asynchronous form of `from_source`."""
        from prefect.runner._from_source import aflow_from_source  # only programs with deployments pay for it

        return await aflow_from_source(source, entrypoint)

    @dual
    def deploy(
        self,
        name: str,
        work_pool_name: str | None = None,
        image: str | DockerImage | None = None,
        *,
        build: bool = True,
        push: bool = True,
        print_next_steps: bool = True,
        ignore_warnings: bool = False,
        **options: Unpack[DeploymentOptions],  # pyright: ignore[reportGeneralTypeIssues] the pool is named above too
    ) -> UUID:
        """Register the flow as a deployment with a work pool, whose workers execute its runs; its id.

        Where its script is only imported to find a flow nothing is registered; of one that is unknown the id is nil.

        Args:
            name: of the deployment.
            work_pool_name: see `prefect.deploy`, for this and the four below.
            image: that the runs are executed in.
            build: build it.
            push: push it.
            ignore_warnings: there are none to ignore.
            print_next_steps: say what was deployed, and what to do next.
            options: of the deployment; see `DeploymentOptions`.

        Raises:
            TypeError, ValueError: see `to_deployment` and `prefect.deploy`.
            BuildError, PushError, DeploymentApplyError: see `prefect.deploy`.
        """
        from uuid import UUID  # as above

        from prefect.deployments.runner import (
            RunnerDeployment,
            _deploy,
        )  # only programs with deployments pay for it

        made = RunnerDeployment.from_flow(self, name, **options)
        given = {"work_pool_name": work_pool_name, "image": image, "build": build, "push": push}
        ids = _deploy(print_next_steps, ignore_warnings, deployments=[made], **given)
        return ids[0] if ids else UUID(int=0)

    async def adeploy(self, name: str, *args: Any, **options: Any) -> UUID:
        """The asynchronous form of `deploy`."""
        return await in_thread(lambda: type(self).deploy.__wrapped__(self, name, *args, **options))  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<Flow {self.name!r}>"


@overload
def flow(fn: Callable[P, R_co], /) -> Flow[P, R_co]: ...


@overload
def flow(
    fn: None = None, /, **options: Unpack[FlowOptions]
) -> Callable[[Callable[P, R_co]], Flow[P, R_co]]: ...


def flow(fn: Any = None, /, **options: Unpack[FlowOptions]) -> Any:
    """Turn a function into a flow: `@flow` or `@flow(retries=3)`. See `FlowOptions` for the options."""
    if fn is None:
        return partial(Flow, **options)
    return Flow(fn, **options)


flow.from_source = Flow.from_source  # type: ignore[attr-defined]
flow.__signature__ = _options.signature_of(FlowOptions, leading="fn")  # type: ignore[attr-defined]


def load_flow_from_entrypoint(entrypoint: str, use_placeholder_flow: bool = True) -> Flow[..., Any]:
    """Import `path/to/file.py:name` or `package.module:name`, and give the flow of that name.

    Raises:
        ScriptError: the script raised while it was imported.
        MissingFlowError: there is no flow of that name.
    """
    from prefect._loading import load_flow  # importlib machinery that running a flow does not need

    _ = use_placeholder_flow
    return load_flow(entrypoint)


def __getattr__(name: str) -> Any:
    if name != "load_flow_from_flow_run":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from prefect.deployments import _pull  # only executors of deployments pay for it

    return _pull.load_flow_from_flow_run
