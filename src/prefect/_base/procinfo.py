"""Who this process is, and whether another one still lives.

Linux tells most (`/proc`, control groups); elsewhere what it does not tell is None, and death is noticed by pid
alone or by the lease.
"""

from __future__ import annotations

import os
import socket
import sys
from functools import lru_cache
from pathlib import Path

_LINUX = sys.platform.startswith("linux")


@lru_cache(maxsize=1)
def host_name() -> str:
    """The name of this machine."""
    return socket.gethostname()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """An id that changes when the machine (or the container's kernel) restarts; empty where none is known."""
    return _read("/proc/sys/kernel/random/boot_id") or ""


@lru_cache(maxsize=1)
def pid_space() -> str:
    """Where pids mean the same processes as here: this kernel since it started, and this namespace of pids in it.

    Another machine may have the same name, and a container on this one its own pids.
    """
    try:
        namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - no file, a name
    except OSError:
        namespace = ""
    return f"{boot_id() or host_name()} {namespace}"


def start_ticks(pid: int) -> int:
    """When the process started, in clock ticks since boot: a reused pid has another. 0 where unknown."""
    stat = _read(f"/proc/{pid}/stat")
    return int(stat.rpartition(")")[2].split()[19]) if stat else 0


def is_alive(pid: int, ticks: int) -> bool:
    """Whether the process `pid` that started at `ticks` still runs on this machine (a zombie does not)."""
    if _LINUX:
        stat = _read(f"/proc/{pid}/stat")
        if stat is None:
            return False
        fields = stat.rpartition(")")[2].split()
        return fields[0] not in "ZX" and (not ticks or int(fields[19]) == ticks)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def peak_memory() -> int | None:
    """The largest resident size of this process so far, in bytes."""
    status = _read("/proc/self/status") or ""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def memory() -> int | None:
    """The resident size of this process, in bytes; None where unknown."""
    pages = _read("/proc/self/statm")
    return int(pages.split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages else None


def oom_kills() -> int | None:
    """How many processes the kernel has killed in this control group for want of memory; None where unknown."""
    for path in _memory_events():
        for line in (_read(path) or "").splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value)
    return None


@lru_cache(maxsize=1)
def _memory_events() -> list[str]:
    found: list[str] = []
    for line in (_read("/proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found.append(f"/sys/fs/cgroup{path}/memory.events")
        elif "memory" in controllers.split(","):
            found.append(f"/sys/fs/cgroup/memory{path}/memory.oom_control")
    return found


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
