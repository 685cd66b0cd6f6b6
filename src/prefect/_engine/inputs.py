"""What goes into a run: futures and states inside the arguments are waited for and replaced by their results.

Looking into arguments is paid by every call, so that it is done by type, once a class: plain values are passed
over, and a long collection of plain values is recognised as one without visiting its items.
"""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import dataclasses
from itertools import islice
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from prefect._engine.effects import Wait
from prefect.exceptions import PrefectException, UpstreamTaskError
from prefect.utilities.annotations import BaseAnnotation, allow_failure, opaque, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from prefect._engine.lineage import Lineage

PLAIN, FUTURE, STATE, ANNOTATION, SEQUENCE, MAPPING, DATACLASS, MODEL, FLOW_RUN = range(9)
_kinds: dict[type, int] = dict.fromkeys(
    (int, float, str, bytes, bool, type(None), complex, bytearray, range, type, type(...)), PLAIN
)
_COLLECTIONS = frozenset((SEQUENCE, MAPPING, DATACLASS, MODEL))
_TRACKED_ITEMS = 256  # of a collection; its origin is for people to look at
_TRACKED_DEPTH = 3


def kind_of(cls: type) -> int:
    """How a value of this class is looked into."""
    kind = _kinds.get(cls)
    if kind is None:
        kind = _kinds[cls] = _classify(cls)
    return kind


def _classify(cls: type) -> int:
    if getattr(cls, "_is_future", False):
        return FUTURE
    if getattr(cls, "_is_prefect_state", False):
        return STATE
    if issubclass(cls, BaseAnnotation):
        return ANNOTATION
    if issubclass(cls, (list, tuple, set, frozenset)):
        return SEQUENCE
    if issubclass(cls, dict):
        return MAPPING
    if dataclasses.is_dataclass(cls):
        return DATACLASS
    if hasattr(cls, "__pydantic_fields__"):
        return FLOW_RUN if cls.__name__ == "FlowRun" and cls.__module__.startswith("prefect.") else MODEL
    return PLAIN


def as_wait_for(given: Any) -> Any:
    """What a run waits for, as it can be looked into again and again: one thing, or a collection (not a copy)."""
    if given is not None and kind_of(type(given)) == PLAIN and hasattr(given, "__iter__"):
        return list(given)
    return given


class Upstream(NamedTuple):
    """Something an argument depends on: a future or a state, and whether it may have failed."""

    source: Any
    may_fail: bool


class SelfDependency(ValueError):
    """A task waits for itself."""

    def __init__(self, task_name: str) -> None:
        super().__init__(
            f"Task '{task_name}' depends on its own future, which would be a deadlock: expected inputs and "
            "`wait_for` that were complete when it was submitted, got a collection that its future was put into."
        )


class NotReady(UpstreamTaskError):
    """An upstream run did not complete; `run_id` says which."""

    def __init__(self, run_id: object) -> None:
        super().__init__(f"Upstream task run '{run_id}' did not reach a 'COMPLETED' state.")


def all_plain(parameters: dict[str, Any]) -> bool:
    """Whether no parameter needs a look: the common case, decided by class."""
    return all(_kinds.get(type(value)) == PLAIN for value in parameters.values())


def needs_resolving(value: Any) -> bool:
    """Whether there is a future, a state or an annotation anywhere in a value."""
    kind = kind_of(type(value))
    if kind == PLAIN:
        return False
    if kind in {FUTURE, STATE, ANNOTATION, FLOW_RUN}:
        return True
    return any(needs_resolving(item) for item in _items_worth_a_look(value, kind))


def _items_worth_a_look(value: Any, kind: int) -> Iterable[Any]:
    """The items that are not of a plain class; for most collections that is none, found at the speed of C."""
    if kind == DATACLASS:
        items: Any = [getattr(value, f.name, None) for f in dataclasses.fields(value)]
    elif kind == MODEL:
        items = list(value.__dict__.values())
    else:
        items = value.values() if kind == MAPPING else value
    if all(kind_of(cls) == PLAIN for cls in set(map(type, items))):
        return ()
    return [item for item in items if kind_of(type(item)) != PLAIN]


def upstream_of(value: Any, *, may_fail: bool = False, seen: frozenset[int] = frozenset()) -> list[Upstream]:
    """Every future and state in a value, in order."""
    kind = kind_of(type(value))
    if kind == PLAIN:
        return []
    if kind in {FUTURE, STATE}:
        return [Upstream(value, may_fail)]
    if kind == FLOW_RUN:
        raise PrefectException(
            "Passing a `FlowRun` object as a task argument is not supported. Pass its state, its id or its result."
        )
    if kind == ANNOTATION:
        if isinstance(value, quote):
            return []
        if isinstance(value, opaque) and kind_of(type(value.value)) not in {FUTURE, STATE}:
            return []
        return upstream_of(value.value, may_fail=may_fail or isinstance(value, allow_failure), seen=seen)
    if id(value) in seen:
        return []
    inner = seen | {id(value)}
    return [
        u
        for item in _items_worth_a_look(value, kind)
        for u in upstream_of(item, may_fail=may_fail, seen=inner)
    ]


def sources_of(value: Any, lineage: Lineage | None, depth: int = 0) -> list[bytes]:
    """The task runs that a value, or the first items of a collection, came from."""
    kind = kind_of(type(value))
    if kind == FUTURE:
        return [value.task_run_id.bytes]
    if kind == STATE:
        run_id = value.state_details.task_run_id
        return [run_id.bytes] if run_id is not None else []
    if kind == ANNOTATION and not isinstance(value, quote):
        return sources_of(value.value, lineage, depth)
    value = cast("Any", value)
    own = lineage.source_of(value) if lineage is not None else None
    if own is not None:
        return [own]
    if kind not in {SEQUENCE, MAPPING} or depth == _TRACKED_DEPTH:
        return []
    items = islice(value.values() if kind == MAPPING else value, _TRACKED_ITEMS)
    return [source for item in items for source in sources_of(item, lineage, depth + 1)]


def wait_for_upstream(upstream: Iterable[Upstream]) -> Generator[Any, Any, None]:
    """Wait until every future has ended.

    Raises:
        NotReady: one of them, or a state, is not Completed, and may not fail.
    """
    for source, may_fail in upstream:
        if kind_of(type(source)) == FUTURE:
            yield Wait(source)
            state_type, run_id = source.state_type, source.task_run_id
        else:
            state_type, run_id = source.type.value, source.state_details.task_run_id
        # whoever may fail must still have ended
        accepted = (
            state_type in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
            if may_fail
            else state_type == "COMPLETED"
        )
        if not accepted:
            raise NotReady(run_id)


def with_states(value: Any) -> Any:
    """The value with the final state in the place of every future; a generator becomes a list (behaviour 21)."""
    kind = kind_of(type(value))
    if kind == FUTURE:
        return value.state
    if isinstance(value, quote):
        return value
    if isinstance(value, GeneratorType):
        return [with_states(item) for item in value]
    if isinstance(value, list) and type(value).__name__ == "PrefectFutureList":
        return [future.state for future in value]
    if kind in _COLLECTIONS and needs_resolving(value):
        return _rebuilt(value, kind, with_states)
    return value


def read_state(state: Any, *, raise_on_failure: bool = True) -> Any:
    """The result of a State, here and now: its own method gives an awaitable in a running loop."""
    from prefect.model.state_result import result_of  # there is a state, so it is loaded

    return result_of(state, raise_on_failure=raise_on_failure)


def frozen(value: Any) -> Any:
    """The value with the final state (and the result in it) in the place of every future, to be sent elsewhere."""
    kind = kind_of(type(value))
    if kind == FUTURE:
        return value.state
    if kind == ANNOTATION:
        return value.rewrap(frozen(value.value))
    if kind in _COLLECTIONS and needs_resolving(value):
        return _rebuilt(value, kind, frozen)
    return value


def resolved(value: Any, *, may_fail: bool = False) -> Any:
    """The value with results in the place of futures, states and annotations. What has none is returned as it is."""
    kind = kind_of(type(value))
    if kind == PLAIN:
        return value
    if kind == FUTURE:
        return value.result(raise_on_failure=not may_fail)
    if kind == STATE:
        return read_state(value, raise_on_failure=not may_fail)
    if kind == ANNOTATION:
        if isinstance(value, quote):
            return value.value
        if isinstance(value, opaque) and kind_of(type(value.value)) not in {FUTURE, STATE}:
            return value.value
        return resolved(value.value, may_fail=may_fail or isinstance(value, allow_failure))
    if not needs_resolving(value):
        return value
    return _rebuilt(value, kind, lambda item: resolved(item, may_fail=may_fail))


def _rebuilt(value: Any, kind: int, change: Callable[[Any], Any]) -> Any:
    """A collection of the same class with its items changed."""
    cls: Any = type(value)
    if kind == MAPPING:
        items = {change(k): change(v) for k, v in value.items()}
        return items if cls is dict else _like_mapping(value, items)
    if kind == DATACLASS:
        return _like_dataclass(value, change)
    if kind == MODEL:
        return value.model_copy(update={name: change(item) for name, item in value.__dict__.items()})
    if hasattr(cls, "_fields"):
        return cls(*(change(item) for item in value))
    return cls(change(item) for item in value)


def _like_mapping(value: Any, items: dict[Any, Any]) -> Any:
    """The same kind of mapping (an OrderedDict, a defaultdict with its factory), with other items."""
    import copy  # only subclasses of dict come here

    made = copy.copy(value)
    made.clear()
    made.update(items)
    return made


def _like_dataclass(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy with changed fields; `copy` because not every field is an argument of `__init__`."""
    import copy  # only dataclasses that hold futures come here

    made = copy.copy(value)
    for field in dataclasses.fields(value):
        object.__setattr__(made, field.name, change(getattr(value, field.name)))
    return made
