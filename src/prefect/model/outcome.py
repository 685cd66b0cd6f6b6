"""What a return value makes of a run (behaviours 14 to 16 and 21), without importing pydantic.

Nearly every value is ordinary data, and to say so must cost nothing: it is decided by class, and for a
collection by the classes of its items. Futures and states are known by a class attribute, `_is_future` and
`_is_prefect_state`, so that this module needs neither of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from types import GeneratorType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from prefect.utilities.annotations import quote

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from prefect.model.state import State, StateType

_PLAIN, _SPECIAL, _COLLECTION = range(3)
_COLLECTIONS: tuple[type, ...] = (list, tuple, set, frozenset, dict)
_kinds: dict[type, int] = dict.fromkeys((type(None), bool, int, float, complex, str, bytes), _PLAIN)


class Outcome(NamedTuple):
    """The final state of a run as the engine hands it on.

    `details` are those that a record keeps. `state` is the `State` behind it, if a state was returned or made
    of returned ones; in the latter case its data is what was returned.
    """

    type: str
    name: str
    message: str | None
    details: dict[str, Any] | None = None
    state: Any = None


def is_plain(value: object) -> bool:
    """Whether a value is ordinary data: no state, future or generator, nor a collection that holds any.

    What is in a `quote` is not looked at, nor are the keys of a dict. Collections are looked through level
    by level, at the speed of C where a level holds no more of them; each once, so that a cycle ends.
    """
    kind = _kind_of(type(value))
    if kind != _COLLECTION:
        return kind == _PLAIN
    level: list[object] = [value]
    seen = set[int]()
    while level:
        kinds = {_kind_of(cls) for cls in set(map(type, _items_in(level)))}
        if _SPECIAL in kinds:
            return False
        if _COLLECTION not in kinds:
            return True
        seen.update(map(id, level))
        inner = {id(i): i for i in _items_in(level) if _kind_of(type(i)) == _COLLECTION}
        level = [inner[key] for key in inner.keys() - seen]
    return True


def is_state(value: object) -> TypeIs[State]:
    """Whether a value is a `State`."""
    return getattr(type(value), "_is_prefect_state", False)


def is_state_iterable(obj: object) -> TypeIs[list[State] | set[State] | tuple[State, ...]]:
    """Whether `obj` is a list, set or tuple made only of states; an empty one is not."""
    if not isinstance(obj, (list, set, tuple)):
        return False
    items = cast("list[Any]", obj)
    return bool(items) and all(map(is_state, items))


def outcome_of(value: Any) -> Outcome | None:
    """The final state that a returned state, or collection of states, stands for; None for any other value.

    Futures must have been replaced by their states. A state that belongs to no run is taken as it is; the
    states of runs are summed up (behaviour 15).
    """
    if is_state(value):
        details = value.state_details
        state = summary([value], value) if details.flow_run_id or details.task_run_id else value
    elif is_state_iterable(value):
        state = summary(list(value), value)
    else:
        return None
    record = state.to_record()
    return Outcome(record.type, record.name, record.message, record.details, state)


class StateGroup:
    """Counts over several states.

    Attributes: `states`, `type_counts` (a Counter by `StateType`), `total_count`, `cancelled_count`,
    `final_count`, `not_final_count`, `paused_count`.
    """

    def __init__(self, states: Sequence[State]) -> None:
        self.states = states
        self.type_counts: Counter[StateType] = Counter(state.type for state in states)
        self.total_count = len(states)
        self.cancelled_count = self._count("CANCELLED")
        self.final_count = sum(state.is_final() for state in states)
        self.not_final_count = self.total_count - self.final_count
        self.paused_count = self._count("PAUSED")

    @property
    def fail_count(self) -> int:
        """How many failed or crashed."""
        return self._count("FAILED") + self._count("CRASHED")

    def all_completed(self) -> bool:
        """Whether every one completed."""
        return self._count("COMPLETED") == self.total_count

    def any_cancelled(self) -> bool:
        """Whether one was cancelled."""
        return self.cancelled_count > 0

    def any_failed(self) -> bool:
        """Whether one failed or crashed."""
        return self.fail_count > 0

    def any_paused(self) -> bool:
        """Whether one is paused."""
        return self.paused_count > 0

    def all_final(self) -> bool:
        """Whether every one has ended."""
        return self.final_count == self.total_count

    def counts_message(self) -> str:
        """For example "total=3, not_final=1, 'COMPLETED'=2, 'RUNNING'=1"."""
        counts = [f"total={self.total_count}"]
        if self.not_final_count:
            counts.append(f"not_final={self.not_final_count}")
        counts += [f"{state_type.value!r}={count}" for state_type, count in self.type_counts.items() if count]
        return ", ".join(counts)

    def _count(self, state_type: str) -> int:
        return self.type_counts[
            cast("StateType", state_type)
        ]  # a str enum: equal to, and hashed as, its value


def summary(states: Sequence[State], data: Any) -> State:
    """One state for several; `data` becomes its result (behaviour 15)."""
    from prefect.model.state import State, StateType  # there are states, so it is loaded already

    group = StateGroup(states)
    total = group.total_count
    if group.any_cancelled():
        found, message = StateType.CANCELLED, f"{group.cancelled_count}/{total} states cancelled."
    elif group.any_paused():
        found, message = StateType.PAUSED, f"{group.paused_count}/{total} states paused."
    elif group.any_failed():
        found, message = StateType.FAILED, f"{group.fail_count}/{total} states failed."
    elif not group.all_final():
        found, message = StateType.FAILED, f"{group.not_final_count}/{total} states are not final."
    else:
        found, message = StateType.COMPLETED, "All states completed."
    return State(type=found, message=message, data=data)


def _kind_of(cls: type) -> int:
    kind = _kinds.get(cls)
    if kind is None:
        kind = _kinds[cls] = _classify(cls)
    return kind


def _classify(cls: Any) -> int:
    if getattr(cls, "_is_future", False) or getattr(cls, "_is_prefect_state", False):
        return _SPECIAL
    if issubclass(cls, GeneratorType):
        return _SPECIAL
    if issubclass(cls, quote):
        return _PLAIN
    if issubclass(cls, _COLLECTIONS):
        return _COLLECTION
    return _COLLECTION if hasattr(cls, "__dataclass_fields__") else _PLAIN


def _items_in(collections: Iterable[object]) -> Iterable[object]:
    return chain.from_iterable(map(_items_of, collections))


def _items_of(collection: Any) -> Iterable[Any]:
    if isinstance(collection, dict):
        return cast("dict[Any, Any]", collection).values()
    if isinstance(collection, _COLLECTIONS):
        return cast("Iterable[Any]", collection)
    fields: Iterable[str] = collection.__dataclass_fields__
    return [getattr(collection, name, None) for name in fields]
