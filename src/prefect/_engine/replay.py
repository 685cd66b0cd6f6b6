"""Record small results, and replay them when a flow run is resumed.

A result is found again by the call's memo (task key and call order within the flow run) and the digest of its
inputs. Recording is not caching: nothing but a resumed attempt of the same flow run ever reads it.
"""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import io
import json
import logging
import pickle
import sys
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect._base.hashing import stable_digest
from prefect._base.modules import MAIN_ALIAS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect.model.records import TaskRunRecord

_log = logging.getLogger("prefect.engine")
_PROTOCOL = 5
_SMALL = frozenset((type(None), bool, int, float))
LARGE_ITEMS = 1000
LARGE_BYTES = 65_536
_said: set[str] = set()


class TooLarge(Exception):
    """The value is not worth recording."""


class _Limited(io.RawIOBase):
    """A file that takes so many bytes and no more: a large value is given up early."""

    def __init__(self, limit: int) -> None:
        self.parts: list[bytes] = []
        self._left = limit

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge
        self.parts.append(bytes(data))
        return len(data)


def encode(value: Any, limit: int, task_name: str) -> bytes | None:
    """The value as bytes, or None where it is larger than `limit` bytes or cannot be pickled (said once a task)."""
    if type(value) in _SMALL or (type(value) is str and len(value) < 1024):
        return (
            pickle.dumps(value, _PROTOCOL) if limit >= LARGE_BYTES else _within(pickle.dumps(value, 5), limit)
        )
    if sys.getsizeof(value) > 4 * limit:
        return None
    try:
        return _pickled(pickle.Pickler, value, limit)
    except TooLarge:
        return None
    except Exception:
        return _encode_by_value(value, limit, task_name)


def _encode_by_value(value: Any, limit: int, task_name: str) -> bytes | None:
    """Classes and functions that cannot be imported by name go by value."""
    import cloudpickle  # 40 ms of import that only such values need

    try:
        return _pickled(cloudpickle.Pickler, value, limit)
    except TooLarge:
        return None
    except Exception as exc:
        if task_name not in _said:
            _said.add(task_name)
            _log.warning(
                "The result of task '%s' cannot be recorded (%s: %s): a resumed run will run it again.",
                task_name,
                type(exc).__name__,
                exc,
            )
        return None


def _pickled(pickler: Any, value: Any, limit: int) -> bytes:
    file = _Limited(limit)
    pickler(file, _PROTOCOL).dump(value)
    return b"".join(file.parts)


def _within(blob: bytes, limit: int) -> bytes | None:
    return blob if len(blob) <= limit else None


class _Unpickler(pickle.Unpickler):
    """Finds what was defined in a script that was `__main__` when the value was recorded."""

    def find_class(self, module: str, name: str, /) -> Any:
        if module == "__main__" and MAIN_ALIAS in sys.modules:
            module = MAIN_ALIAS
        return super().find_class(module, name)


def decode(blob: bytes) -> Any:
    """The value again."""
    return _Unpickler(io.BytesIO(blob)).load()


def digest_of(parameters: dict[str, Any]) -> bytes | None:
    """What identifies the inputs of a call, None where there are none.

    Large values are identified by type, size and a sample: hashing gigabytes would cost every call more than it
    could ever save a resumed one.
    """
    if not parameters:
        return None
    return stable_digest(
        {name: _identity(value) for name, value in parameters.items()}, on_unhashable=_by_type
    )


def _identity(value: Any) -> Any:
    if type(value) in _SMALL:
        return value
    if isinstance(value, (str, bytes, bytearray)):
        if len(value) <= LARGE_BYTES:
            return value
        return ("large", type(value).__name__, len(value), value[:4096], value[-4096:])
    if isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) <= LARGE_ITEMS:
        return value
    return ("large", type(value).__qualname__, _extent(value)) if _is_large(value) else value


def _is_large(value: Any) -> bool:
    size = getattr(value, "nbytes", None)
    if isinstance(size, int):
        return size > LARGE_BYTES
    try:
        return len(value) > LARGE_ITEMS
    except Exception:
        return False


def _extent(value: Any) -> Any:
    shape = getattr(value, "shape", None)
    if shape is not None:
        return (tuple(shape), str(getattr(value, "dtype", "")))
    if isinstance(value, (list, tuple)):
        sample = [*value[:10], *value[-10:]]
        return (len(value), sample)
    return len(value)


def _by_type(_: str, value: Any) -> Any:
    return f"{type(value).__module__}.{type(value).__qualname__}"


class Recorded:
    """What an earlier attempt of a flow run has recorded.

    `replayed` holds the ids of the task runs that were replayed, those of subflows that go on included.
    """

    def __init__(self, rows: Iterable[TaskRunRecord], replayed: list[bytes] | None = None) -> None:
        self.replayed: list[bytes] = [] if replayed is None else replayed
        self._tasks: dict[str, TaskRunRecord] = {}
        self._subflows: dict[str, TaskRunRecord] = {}
        for row in rows:  # oldest first: the latest run of a call is the one that counts
            if row.memo is not None:
                (self._subflows if child_of(row) else self._tasks)[row.memo] = row

    def take(self, memo: str | None, digest: bytes | None, task_name: str) -> TaskRunRecord | None:
        """The recorded run of a call, once; a call whose inputs have changed is told and runs again."""
        row = self._tasks.pop(memo, None) if memo is not None else None
        if row is None or row.inputs_digest == digest:
            return row
        _log.warning(
            "Task '%s' was called with other inputs than before; it runs again instead of being replayed.",
            task_name,
        )
        return None

    def take_subflow(self, memo: str | None) -> TaskRunRecord | None:
        """The task run that stood for a subflow, once: ended or not, it names the child to go on with."""
        return self._subflows.pop(memo, None) if memo is not None else None


def child_of(row: TaskRunRecord) -> bytes | None:
    """The id of the flow run that a tracking task run stands for."""
    if row.detail is None or "child_flow_run_id" not in row.detail:
        return None
    return UUID(json.loads(row.detail)["child_flow_run_id"]).bytes
