"""Start-up is a product feature: what `from prefect import flow, task` may import, counted and not timed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "pydantic",
    "asyncio",
    "rich",
    "click",
    "yaml",
    "cloudpickle",
    "fsspec",
    "dotenv",
    "tomlkit",
    "psycopg",
}


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter holds after it ran a statement."""
    code = f"import sys; {statement}; sys.stdout.write(repr(sorted(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(ended.stdout.replace("'", '"')))


@pytest.fixture(scope="module")
def added():
    """What the import adds to what a bare interpreter (and its site) holds anyway."""
    return modules_after("from prefect import flow, task") - modules_after("pass")


@pytest.mark.parametrize("heavy", sorted(HEAVY))
def test_the_public_import_leaves_the_heavy_packages_alone(added, heavy):
    assert {name for name in added if name.partition(".")[0] == heavy} == set()


def test_the_public_import_is_small(added):
    """A module costs 0.2 to 1 ms, and 0.20 s for the whole process is the budget. Most of these are Python's own."""
    assert len(added) <= 225, sorted(added)


def test_importing_prefect_alone_does_next_to_nothing():
    added = modules_after("import prefect") - modules_after("pass")
    assert {name for name in added if name.startswith("prefect.")} <= {"prefect._version"}
