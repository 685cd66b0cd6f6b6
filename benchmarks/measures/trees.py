"""The memory and the processor time of a process with all its descendants. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes that a process and all its descendants hold at this moment (0 when it has gone)."""
    return sum(int(_read(one, "statm").split()[1]) * PAGE for one in tree(pid))


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process and its living descendants have used."""
    return sum(
        sum(map(int, _read(one, "stat").rpartition(")")[2].split()[11:13])) / TICK for one in tree(pid)
    )


def tree(pid: int) -> list[int]:
    """A process and all its descendants, those that still live."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        _read(pid, "statm")
    except (OSError, IndexError):
        return []
    return [pid, *(found for child in children for found in tree(int(child)))]


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except OSError:  # it has just ended
        return "0 0) " + "0 " * 20
