"""Every option of `@flow` and `@task`, written once: its type, its default, what None means in `with_options`.

`flow()`, `task()`, `Flow`, `Task` and their `with_options` take their keyword arguments from here.
"""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Union

from typing_extensions import TypedDict

from prefect._base.notset import NotSet

if TYPE_CHECKING:
    from prefect.cache_policies import CachePolicy
    from prefect.client.schemas.objects import FlowRun, State, TaskRun
    from prefect.flows import Flow
    from prefect.results import ResultSerializer, ResultStorage
    from prefect.task_runners import TaskRunner
    from prefect.tasks import Task
    from prefect.transactions import Transaction

    FlowHook = Callable[[Flow[..., Any], FlowRun, State[Any]], Any]
    TaskHook = Callable[[Task[..., Any], TaskRun, State[Any]], Any]
    RetryCondition = Callable[[Task[..., Any], TaskRun, State[Any]], Any]
    RetryDelay = Union[float, list[float], Callable[[int], list[float]]]


class CommonOptions(TypedDict, total=False):
    """What flows and tasks share."""

    name: str | None
    description: str | None
    version: str | None
    retries: int | None
    timeout_seconds: float | None
    persist_result: bool | None
    result_storage: ResultStorage | str | None
    result_serializer: ResultSerializer | str | None
    cache_result_in_memory: bool
    log_prints: bool | None


class FlowOptions(CommonOptions, total=False):
    """The options of a flow."""

    flow_run_name: Callable[[], str] | str | None
    retry_delay_seconds: float | None
    task_runner: TaskRunner[Any] | type[TaskRunner[Any]] | None
    validate_parameters: bool
    on_completion: list[FlowHook] | None
    on_failure: list[FlowHook] | None
    on_cancellation: list[FlowHook] | None
    on_crashed: list[FlowHook] | None
    on_running: list[FlowHook] | None


class TaskOptions(CommonOptions, total=False):
    """The options of a task."""

    tags: Iterable[str] | None
    cache_policy: CachePolicy | type[NotSet] | None
    cache_key_fn: Callable[..., str | None] | None
    cache_expiration: timedelta | None
    task_run_name: Callable[..., str] | str | None
    retry_delay_seconds: RetryDelay | None
    retry_jitter_factor: float | None
    retry_condition_fn: RetryCondition | None
    result_storage_key: str | None
    refresh_cache: bool | None
    viz_return_value: Any
    asset_deps: list[Any] | None
    on_completion: list[TaskHook] | None
    on_failure: list[TaskHook] | None
    on_running: list[TaskHook] | None
    on_rollback: list[Callable[[Transaction], None]] | None
    on_commit: list[Callable[[Transaction], None]] | None


# what an option is when it is not given; None where nothing is said here
DEFAULTS: dict[str, Any] = {
    "validate_parameters": True,
    "cache_result_in_memory": True,
    "cache_policy": NotSet,
}

# in `with_options` None means "reset" for these and "keep" for all others (behaviour 8)
NONE_RESETS = frozenset(
    (
        "cache_policy",
        "log_prints",
        "persist_result",
        "refresh_cache",
        "result_serializer",
        "result_storage",
        "result_storage_key",
        "task_run_name",
        "viz_return_value",
    )
)


def option_names(options: type) -> tuple[str, ...]:
    """The names of the options of a flow (`FlowOptions`) or a task (`TaskOptions`)."""
    return tuple(options.__annotations__) if options is CommonOptions else _all_names(options)


def _all_names(options: type) -> tuple[str, ...]:
    return tuple(CommonOptions.__annotations__ | options.__annotations__)


def check_names(options: type, given: dict[str, Any], owner: str) -> None:
    """Raise TypeError for an option that does not exist."""
    known = option_names(options)
    for name in given:
        if name not in known:
            raise TypeError(f"{owner}() got an unexpected keyword argument '{name}'")


def with_defaults(options: type, given: dict[str, Any]) -> dict[str, Any]:
    """Every option, given or not. Raises TypeError for one that does not exist."""
    return {name: given.get(name, DEFAULTS.get(name)) for name in option_names(options)}


def overridden(before: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The options of `with_options`: what is given replaces what was."""
    changes = {n: v for n, v in given.items() if v is not NotSet and (v is not None or n in NONE_RESETS)}
    return before | changes


def hooks(owner: str, option: str, given: Any) -> list[Callable[..., Any]]:
    """The hooks of an option as a list. Raises TypeError for anything but an iterable of callables (behaviour 6)."""
    if given is None:
        return []
    example = (
        f"Please provide a list of hooks to '{option}':\n\n"
        f"@{owner}({option}=[hook1, hook2])\ndef my_{owner}():\n\tpass"
    )
    if not isinstance(given, Iterable):
        raise TypeError(f"Expected iterable for '{option}'; got {type(given).__name__} instead. {example}")
    found: list[Any] = list(given)
    for hook in found:
        if not callable(hook):
            raise TypeError(f"Expected callables in '{option}'; got {type(hook).__name__} instead. {example}")
    return found


def signature_of(
    options: type, *, leading: str | None = None, defaults: dict[str, Any] | None = None
) -> inspect.Signature:
    """The signature of a function that takes these options by keyword, for help and introspection."""
    first = (
        [inspect.Parameter(leading, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)] if leading else []
    )
    known = DEFAULTS if defaults is None else defaults
    return inspect.Signature(
        [
            *first,
            *(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=known.get(name))
                for name in option_names(options)
            ),
        ]
    )
