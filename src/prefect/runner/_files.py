"""Which files a source consists of, and whether they have changed since it was imported."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

Signatures = dict[str, list[int]]


def signature(path: str) -> list[int]:
    """What changes when a file does; empty where there is none."""
    with contextlib.suppress(OSError):
        found = os.stat(path)  # noqa: PTH116 - on the way of every start
        return [found.st_mtime_ns, found.st_size]
    return []


def signatures(began: int, folders: Iterable[str], more: Iterable[str]) -> Signatures:
    """The imported modules below `folders`, and `more` files.

    A file that was written since the import `began` (nanoseconds) may have changed after it was read: its signature
    here is one that it does not have.
    """
    inside = tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)  # noqa: PTH118
    paths = {
        path
        for module in list(sys.modules.values())
        if (path := _file_of(module)) is not None
        and path.startswith(inside)
        and f"{os.sep}site-packages{os.sep}" not in path
    }
    found = {path: signature(path) for path in (*paths, *more)}
    now = time.time_ns()
    return {path: [] if was and began <= was[0] <= now else was for path, was in found.items()}


def have_changed(known: Signatures) -> bool:
    """Whether one of them is not any more what it was."""
    return any(signature(path) != was for path, was in known.items())


def _file_of(module: Any) -> str | None:
    path = getattr(module, "__file__", None)
    return os.path.realpath(path) if isinstance(path, str) else None
