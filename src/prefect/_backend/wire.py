"""Records as JSON, on their way between our client and our server.

A record is a list of its columns in their order; bytes are base64. What comes in is checked column by column against
the record's annotations: the server trusts nobody, and never loads a pickle (blobs pass through as they are).
"""

from __future__ import annotations

import json
from binascii import Error as NoBase64
from binascii import a2b_base64, b2a_base64
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from prefect._backend.protocol import Answer, NewFlowRun
from prefect._storage.filters import OPERATORS, Condition
from prefect.model.records import FlowRunRecord, LogRecord, ProcessRecord, StateRecord, TaskRunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LARGEST = 2**63


class Shape(NamedTuple):
    """How values of a kind are written and read. `pack` None: they are JSON as they are."""

    pack: Callable[[Any], Any] | None
    unpack: Callable[[Any], Any]


def dumps(message: Any) -> bytes:
    """A message as it is sent."""
    return json.dumps(message, separators=(",", ":")).encode()


def loads(content: bytes) -> Any:
    """A message as it was sent. Raises ValueError for what is no JSON."""
    return json.loads(content)


def _expected(what: str, got: Any) -> ValueError:
    return ValueError(f"expected {what}, got {got!r:.80}")


def pack_bytes(value: bytes) -> str:
    """Bytes as base64."""
    return b2a_base64(value, newline=False).decode()


def unpack_bytes(value: Any) -> bytes:
    """Raises ValueError for what is no base64."""
    try:
        return a2b_base64(value)
    except (NoBase64, TypeError, ValueError) as exc:
        raise _expected("base64", value) from exc


def _of_type(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise _expected(kind.__name__, value)
    return value


def _unpack_int(value: Any) -> int:
    if type(value) is not int or not -_LARGEST <= value < _LARGEST:
        raise _expected("an integer of 64 bits", value)
    return value


def _unpack_float(value: Any) -> float:
    if type(value) not in {int, float}:
        raise _expected("a number", value)
    return value


def _unpack_texts(value: Any) -> tuple[str, ...]:
    return tuple(_of_type(str, one) for one in _of_type(list, value))


BYTES = Shape(pack_bytes, unpack_bytes)
INT = Shape(None, _unpack_int)
TEXT = Shape(None, partial(_of_type, str))
BOOL = Shape(None, partial(_of_type, bool))
NUMBER = Shape(None, _unpack_float)
OBJECT = Shape(None, partial(_of_type, dict))
TEXTS = Shape(list, _unpack_texts)


def packer(shape: Shape) -> Callable[[Any], Any]:
    """What writes values of a kind."""
    return shape.pack or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def optional(shape: Shape) -> Shape:
    """The same, or None."""
    pack = shape.pack

    def pack_some(value: Any) -> Any:
        return None if value is None or pack is None else pack(value)

    def unpack_some(value: Any) -> Any:
        return None if value is None else shape.unpack(value)

    return Shape(None if pack is None else pack_some, unpack_some)


def many(shape: Shape) -> Shape:
    """A list of them."""
    pack = shape.pack

    def pack_all(values: Any) -> list[Any]:
        return list(values) if pack is None else [pack(value) for value in values]

    def unpack_all(values: Any) -> list[Any]:
        return [shape.unpack(value) for value in _of_type(list, values)]

    return Shape(pack_all, unpack_all)


def record(kind: Any) -> Shape:
    """The shape of a NamedTuple, from its annotations."""
    shapes = [_shape_of(text) for text in map(_annotation, kind.__annotations__.values())]
    special = [(place, shape.pack) for place, shape in enumerate(shapes) if shape.pack is not None]
    readers = [shape.unpack for shape in shapes]
    width = len(shapes)

    def pack(values: Sequence[Any]) -> list[Any]:
        packed = list(values)
        for place, write in special:
            if packed[place] is not None:
                packed[place] = write(packed[place])
        return packed

    def unpack(values: Any) -> Any:
        if len(_of_type(list, values)) != width:
            raise _expected(f"{width} columns of {kind.__name__}", len(values))
        return kind._make([read(value) for read, value in zip(readers, values, strict=True)])

    return Shape(pack, unpack)


def _annotation(value: Any) -> str:
    return getattr(value, "__forward_arg__", value)


def _shape_of(annotation: str) -> Shape:
    plain = annotation.removesuffix(" | None")
    return _BY_ANNOTATION[plain] if plain == annotation else optional(_BY_ANNOTATION[plain])


_BY_ANNOTATION: dict[str, Shape] = {
    "bytes": BYTES,
    "int": INT,
    "str": TEXT,
    "float": NUMBER,
    "dict[str, Any]": OBJECT,
    "tuple[str, ...]": TEXTS,
}
STATE = _BY_ANNOTATION["StateRecord"] = record(StateRecord)
FLOW_RUN = _BY_ANNOTATION["FlowRunRecord"] = record(FlowRunRecord)
NEW_FLOW_RUN = record(NewFlowRun)
TASK_RUN = record(TaskRunRecord)
LOG = record(LogRecord)
PROCESS = record(ProcessRecord)
ANSWER = record(Answer)


# --- columns to set, and conditions: their names are SQL, so only known ones are let through --------

_ELSEWHERE = {"flow_name", "work_queue_name", "work_pool_id", "work_pool_name"}  # columns of other tables
_JOINED = {"flow_name", "work_queue_name", "work_pool_id", "work_pool_name"}  # columns of other tables
_SETTABLE = {
    name: _shape_of(_annotation(text))
    for name, text in FlowRunRecord.__annotations__.items()
    if name not in {"id", "flow_id", "attempt", "owner", "created"} | _ELSEWHERE
}
_ASKED_BY = {
    "flow_name",
    *(name for name in FlowRunRecord._fields if name not in {"state", *_JOINED}),
    *TaskRunRecord._fields,
    *LogRecord._fields,
    *(f"state_{column}" for column in StateRecord._fields),
}


def _pack_changes(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: packer(_SETTABLE[name])(value) for name, value in changes.items()}


def _unpack_changes(changes: Any) -> dict[str, Any]:
    unknown = _of_type(dict, changes).keys() - _SETTABLE.keys()
    if unknown:
        raise _expected(f"columns of {sorted(_SETTABLE)}", sorted(unknown))
    return {name: _SETTABLE[name].unpack(value) for name, value in changes.items()}


def _pack_condition(condition: Condition) -> list[Any]:
    return [condition.column, condition.operator, _tagged(condition.value)]


def _unpack_condition(condition: Any) -> Condition:
    column, operator, value = _of_type(list, condition)
    if column not in _ASKED_BY:
        raise _expected("a column of a run or a log line", column)
    if operator not in OPERATORS or (operator == "in") is not isinstance(value, list):
        raise _expected("a condition", operator)
    return Condition(column, operator, _untagged(value))


def _tagged(value: Any) -> Any:
    """A value whose kind is not known: bytes are marked."""
    if isinstance(value, bytes):
        return {"base64": pack_bytes(value)}
    return [_tagged(one) for one in value] if isinstance(value, (list, tuple, set, frozenset)) else value  # type: ignore[misc] # of anything


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        return unpack_bytes(value.get("base64"))  # type: ignore[misc] # as it came
    return [_untagged(one) for one in value] if isinstance(value, list) else value  # type: ignore[misc] # as it came


CHANGES = Shape(_pack_changes, _unpack_changes)
CONDITION = Shape(_pack_condition, _unpack_condition)
COUNTS = OBJECT
NOTHING = Shape(None, partial(_of_type, type(None)))
