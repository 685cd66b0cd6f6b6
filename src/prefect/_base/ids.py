"""Run ids: UUIDv7 (RFC 9562, section 5.7), made as 16 bytes; the `UUID` object is made when somebody looks.

Ids that grow with time keep the index of a table append-only. Within one millisecond the 12 bits after the
timestamp carry its fraction, so that ids made in order sort in order to about a quarter of a microsecond.
"""

from __future__ import annotations

import os
import random
import time
from uuid import UUID

_random = random.Random()  # noqa: S311 - ids need to differ, not to be secret
_getrandbits = _random.getrandbits
_time_ns = time.time_ns
_VERSION_AND_VARIANT = (0x7 << 76) | (0b10 << 62)
_RANDOM = (1 << 62) - 1
_FRACTION = 1_000_000 // 4096 + 1


def _reseed() -> None:
    """A forked child must not repeat its parent's random numbers."""
    _random.seed(int.from_bytes(os.urandom(32), "big"))


_reseed()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reseed)


def new_id() -> bytes:
    """A new UUIDv7 as 16 bytes. About 0.4 µs."""
    milliseconds, rest = divmod(_time_ns(), 1_000_000)
    value = (milliseconds << 80) | _VERSION_AND_VARIANT | ((rest // _FRACTION) << 64) | _getrandbits(62)
    return value.to_bytes(16, "big")


def id_at(moment: int, number: int) -> bytes:
    """The UUIDv7 of a time (microseconds UTC) and a number of which the lowest 62 bits count: always the same."""
    milliseconds, rest = divmod(max(moment, 0), 1000)
    fraction = rest * 1000 // _FRACTION << 64
    value = (milliseconds << 80) | _VERSION_AND_VARIANT | fraction | (number & _RANDOM)
    return value.to_bytes(16, "big")


def new_uuid() -> UUID:
    """A new UUIDv7."""
    return UUID(bytes=new_id())


def dynamic_key_of(task_run_id: bytes) -> str:
    """The dynamic key of a task run of ours: its id with the random half first, so that it need not be stored."""
    return str(UUID(bytes=task_run_id[8:] + task_run_id[:8]))


def short_key_of(task_run_id: bytes) -> str:
    """The first three characters of `dynamic_key_of`, without making the whole."""
    return task_run_id[8:10].hex()[:3]
