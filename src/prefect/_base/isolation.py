"""How strictly transactions on one key are kept apart: policies, stores and transactions share it."""

from __future__ import annotations

from enum import Enum


class IsolationLevel(str, Enum):
    """How strictly transactions on one key are kept apart (behaviour 60)."""

    READ_COMMITTED = "READ_COMMITTED"  # nobody sees what is not committed; two may compute the same key
    SERIALIZABLE = "SERIALIZABLE"  # one at a time: the others wait for the lock of the key
