"""What a task's cache key is made of.

`INPUTS + TASK_SOURCE` combines policies, `INPUTS - "x"` leaves an input out, `.configure(...)` says where
keys are kept and how computations of one key are kept apart. A key decides whether a stored result stands in
for a run, so a part that cannot be hashed is an error and is not left out (behaviours 53 to 57). No pydantic
here: every program imports this.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID
from weakref import WeakKeyDictionary

from typing_extensions import Self, override

from prefect._base.hashing import UnhashableError, stable_digest
from prefect._base.isolation import IsolationLevel
from prefect._base.source import source_of
from prefect.exceptions import HashError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefect.context import TaskRunContext
    from prefect.filesystems import WritableFileSystem
    from prefect.locking.protocol import LockManager

    KeyFunction = Callable[[TaskRunContext, dict[str, Any]], str | None]

__all__ = [
    "DEFAULT",
    "FLOW_PARAMETERS",
    "INPUTS",
    "NONE",
    "NO_CACHE",
    "RUN_ID",
    "TASK_SOURCE",
    "CacheKeyFnPolicy",
    "CachePolicy",
    "CompoundCachePolicy",
    "FlowParameters",
    "Inputs",
    "RunId",
    "TaskSource",
]


@dataclass
class CachePolicy:
    """The base of all policies; subclass it and define `compute_key` to make your own.

    Attributes:
        key_storage: where cache keys are kept, if not beside the results.
        isolation_level: `SERIALIZABLE` lets one run at a time compute a key; it needs a `lock_manager`.
        lock_manager: what the locks are.
    """

    key_storage: WritableFileSystem | str | Path | None = None
    isolation_level: Literal["READ_COMMITTED", "SERIALIZABLE"] | IsolationLevel | None = None
    lock_manager: LockManager | None = None

    @classmethod
    def from_cache_key_fn(cls, cache_key_fn: KeyFunction) -> CacheKeyFnPolicy:
        """A policy of a function that makes the key from the run context and the inputs."""
        return CacheKeyFnPolicy(cache_key_fn=cache_key_fn)

    def configure(
        self,
        key_storage: WritableFileSystem | str | Path | None = None,
        lock_manager: LockManager | None = None,
        isolation_level: Literal["READ_COMMITTED", "SERIALIZABLE"] | IsolationLevel | None = None,
    ) -> Self:
        """The same policy with another configuration; what is not given stays as it is.

        Raises:
            ValueError: there is no such isolation level.
        """
        given = {
            "key_storage": key_storage,
            "lock_manager": lock_manager,
            "isolation_level": None if isolation_level is None else IsolationLevel(isolation_level),
        }
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The cache key of a task run; None means that it is not cached.

        Args:
            task_ctx: the context of the task run: its `task` and `task_run`.
            inputs: the task's arguments by parameter name.
            flow_parameters: those of the flow run around it; empty where there is none.
            **kwargs: for what later versions pass.

        Raises:
            HashError: a part that the key is made of cannot be hashed; the message names it.
        """
        raise NotImplementedError

    def __sub__(self, other: str) -> CachePolicy:
        """Without one input; only policies that look at inputs change (behaviour 56)."""
        if not isinstance(cast("Any", other), str):
            raise TypeError("Can only subtract strings from key policies.")
        return self

    def __add__(self, other: CachePolicy) -> CachePolicy:
        """Both together: the key changes when either does (behaviour 56).

        Raises:
            ValueError: their configurations contradict each other.
        """
        if not isinstance(cast("Any", other), CachePolicy):
            return NotImplemented
        if isinstance(other, _None):
            return self
        if isinstance(self, _None):
            return other
        return CompoundCachePolicy(
            key_storage=_agreed(self.key_storage, other.key_storage, "storage locations"),
            isolation_level=_agreed(self.isolation_level, other.isolation_level, "isolation levels"),
            lock_manager=_agreed(self.lock_manager, other.lock_manager, "lock implementations"),
            policies=[self, other],
        )


def _agreed(one: Any, other: Any, what: str) -> Any:
    if one is not None and other is not None and one != other:
        raise ValueError(f"Cannot add CachePolicies with different {what}.")
    return other if one is None else one


@dataclass
class CacheKeyFnPolicy(CachePolicy):
    """The key that a function of the user's makes from the run context and the inputs."""

    cache_key_fn: KeyFunction | None = None

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """What the function says."""
        return None if self.cache_key_fn is None else self.cache_key_fn(task_ctx, inputs)


@dataclass
class CompoundCachePolicy(CachePolicy):
    """Several policies together. Compounds among them are taken apart, `Inputs` become one."""

    policies: list[CachePolicy] = field(default_factory=list["CachePolicy"])

    def __post_init__(self) -> None:
        flat: list[CachePolicy] = []
        for policy in self.policies:
            flat += policy.policies if isinstance(policy, CompoundCachePolicy) else [policy]
        inputs = [policy for policy in flat if isinstance(policy, Inputs)]
        self.policies = [policy for policy in flat if not isinstance(policy, Inputs)]
        if inputs:
            exclude = sorted({name for policy in inputs for name in policy.exclude})
            self.policies.append(replace(inputs[0], exclude=exclude))

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The digest of the policies' keys; None if none of them has one."""
        keys = [
            key
            for policy in self.policies
            if (key := policy.compute_key(task_ctx, inputs, flow_parameters, **kwargs)) is not None
        ]
        return stable_digest(keys).hex() if keys else None

    @override
    def __sub__(self, other: str) -> CachePolicy:
        """Without one input, if inputs count here at all."""
        super().__sub__(other)
        if not any(isinstance(policy, Inputs) for policy in self.policies):
            return self
        return replace(self, policies=[policy - other for policy in self.policies])


@dataclass
class _None(CachePolicy):
    """Never cached."""

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """No key."""
        return None


@dataclass
class TaskSource(CachePolicy):
    """The source text of the task's function, or its compiled code where there is no text."""

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext | None,
        inputs: dict[str, Any] | None,
        flow_parameters: dict[str, Any] | None,
        **kwargs: Any,
    ) -> str | None:
        """The digest of the source; None without a context."""
        return None if task_ctx is None else _source_key(task_ctx.task.fn)


_source_keys: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def _source_key(fn: Any) -> str:
    """Made once for a function: it stands on the way of every cached call."""
    try:
        key = _source_keys.get(fn)
    except TypeError:  # a callable that cannot be referred to weakly
        return stable_digest(fn).hex()
    if key is None:
        source = source_of(fn)
        key = stable_digest(source if source is not None else getattr(fn, "__code__", fn)).hex()
        _source_keys[fn] = key
    return key


@dataclass
class FlowParameters(CachePolicy):
    """The parameters of the flow run around the task run."""

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The digest of the parameters; None where there are none."""
        return _digest("flow_parameters", flow_parameters) if flow_parameters else None


@dataclass
class RunId(CachePolicy):
    """The id of the flow run, or else of the task run: nothing is reused beyond it (behaviour 55)."""

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The id."""
        record = getattr(
            task_ctx, "record", None
        )  # the row is at hand; `task_run` makes a pydantic model of it
        if record is not None:
            return str(UUID(bytes=record.flow_run_id or record.id))
        return str(task_ctx.task_run.flow_run_id or task_ctx.task_run.id)


@dataclass
class Inputs(CachePolicy):
    """The task's inputs, whichever task it is: equal inputs share a key (behaviour 55)."""

    exclude: list[str] = field(default_factory=list[str])

    @override
    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str | None:
        """The digest of the inputs that count; None where there are no inputs."""
        if not inputs:
            return None
        if self.exclude:
            inputs = {name: value for name, value in inputs.items() if name not in self.exclude}
        return _digest("inputs", inputs, 'exclude it with policy - "{}"')

    @override
    def __sub__(self, other: str) -> CachePolicy:
        """Without one input."""
        super().__sub__(other)
        return replace(self, exclude=[*self.exclude, other])


def _digest(what: str, values: dict[str, Any], advice: str = "leave it out of the cache policy") -> str:
    try:
        return stable_digest(values).hex()
    except UnhashableError as exc:
        name = exc.path[0][2:-2]  # of `['name']`
        raise HashError(f"{what}{''.join(exc.path)}: {exc.reason}; {advice.format(name)}") from None


INPUTS = Inputs()
NONE = _None()
NO_CACHE = _None()
TASK_SOURCE = TaskSource()
FLOW_PARAMETERS = FlowParameters()
RUN_ID = RunId()
DEFAULT = INPUTS + TASK_SOURCE + RUN_ID
