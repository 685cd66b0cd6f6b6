"""Which task run an argument came from, by the identity of the result (behaviour 31).

A result is remembered for as long as it lives if it can be referenced weakly, and otherwise for the next
`MAXIMUM` results or `MAXIMUM_BYTES`: a flow of a million calls holds its memory flat.
"""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import sys
import weakref
from collections import deque
from typing import Any

MAXIMUM = 1024
MAXIMUM_BYTES = 16_000_000
_UNTRACKED = frozenset(id(x) for x in (None, True, False, ..., NotImplemented))
_NEVER_WEAK = frozenset((int, float, str, bytes, list, dict, tuple))


class Lineage:
    """The recent results of one flow run."""

    __slots__ = ("_bytes", "_held", "_known", "_order")

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._order: deque[tuple[int, int]] = deque()
        self._bytes = 0

    def remember(self, value: Any, task_run_id: bytes) -> None:
        """`value` is what the task run returned."""
        key = id(value)
        if key in _UNTRACKED or (type(value) is int and -5 <= value <= 256):
            return  # objects that exist once a process: their identity says nothing
        reference: Any = value
        if type(value) in _NEVER_WEAK:
            self._hold(key, value)
        else:
            try:
                reference = weakref.ref(value, _forget(self._known, key))
            except TypeError:
                self._hold(key, value)
        self._known[key] = (reference, task_run_id)

    def source_of(self, value: Any) -> bytes | None:
        """The task run that returned this very object, if it is remembered."""
        found = self._known.get(id(value))
        if found is None:
            return None
        reference, task_run_id = found
        held = reference() if type(reference) is weakref.ref else reference
        return task_run_id if held is value else None

    def _hold(self, key: int, value: Any) -> None:
        """Keep the object alive, or its identity could be reused, until it is one of the oldest."""
        size = sys.getsizeof(value)
        self._order.append((key, size))
        self._bytes += size
        while len(self._order) > MAXIMUM or self._bytes > MAXIMUM_BYTES:
            old, size = self._order.popleft()
            self._bytes -= size
            if old != key or not self._order:
                self._known.pop(old, None)


def _forget(known: dict[int, tuple[Any, bytes]], key: int) -> Any:
    def forget(reference: Any) -> None:
        found = known.get(key)
        if found is not None and found[0] is reference:
            del known[key]

    return forget
