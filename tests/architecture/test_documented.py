"""Commands and documentation agree: what there is is documented, and what the pages name exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from prefect.testing.cli import CycloptsCliRunner

ROOT = Path(__file__).parents[2]
PROSE = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def listed(*group: str) -> set[str]:
    """The commands below a group, as their own help lists them."""
    shown = CycloptsCliRunner().invoke([*group, "--help"]).stdout
    names = re.findall(r"^  ([a-z][a-z-]*)", shown.partition("Commands:")[2], re.MULTILINE)
    return {full for name in names for full in listed(*group, name) or {" ".join([*group, name])}}


@pytest.fixture(scope="module")
def commands():
    return listed()


@cache
def code_of(path: Path) -> str:
    """What stands in code on a page: fenced blocks and `spans`."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(fenced + re.findall(r"`([^`\n]+)`", prose))


def test_every_command_that_is_named_exists(commands):
    """A page may name a group, or a command with or without arguments after it."""
    words = r"^(?:\$ )?prefect((?: [a-z][a-z-]*)+)"
    named = {found.strip() for path in PROSE for found in re.findall(words, code_of(path), re.MULTILINE)}
    assert named
    unknown = [name for name in named if not any(f"{name} ".startswith(f"{known} ") for known in commands)]
    assert [name for name in unknown if not any(known.startswith(f"{name} ") for known in commands)] == []


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for path in PROSE for target in re.findall(r"\bmake ([a-z-]+)\b", code_of(path))}
    assert {"demo", "test"} <= named <= targets
