"""docs/benchmarks.md and its chart, from the results of a whole run."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

from chart import as_svg
from rows import Figures
from table import as_markdown

TEMPLATE = Path(__file__).with_name("page.md")


def write_page(results: dict[str, Figures], profile: str, docs: Path) -> None:
    """Write docs/benchmarks.md and docs/benchmarks.svg."""
    (docs / "benchmarks.svg").write_text(as_svg(results))
    (docs / "benchmarks.md").write_text(
        TEMPLATE.read_text().format(table=as_markdown(results), profile=profile, machine=machine())
    )


def machine() -> str:
    """The machine in words that name nobody: cores, processor, memory, system, versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return ", ".join(
        [
            f"{len(os.sched_getaffinity(0))} cores of {processor()}",
            f"{memory:.0f} GiB",
            f"{platform.system()} {platform.release().partition('-')[0]}",
            f"{platform.python_implementation()} {platform.python_version()}",
            f"SQLite {sqlite3.sqlite_version}",
        ]
    )


def processor() -> str:
    """The model as Linux names it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
