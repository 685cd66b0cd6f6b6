"""What the repository says about itself is true, and says nothing about the machine it was written on."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROSE = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("src", "tests", "docs", "examples", "benchmarks", ".ci")
TEXT = {".py", ".md", ".toml", ".sql", ".yml", ".svg", ""}


def texts() -> dict[str, str]:
    """The repository's own text files, what is generated left out."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    found = [path for path in [*ROOT.glob("*"), *inside] if path.is_file() and path.suffix in TEXT]
    own = [path for path in found if not {"__pycache__", "out", ".git"} & set(path.parts)]
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in own}


TEXTS = texts()


def test_no_path_of_a_machine():
    """A path of somebody's home or workshop works on one machine only."""
    machine = re.compile(r"(?<![\w.}])/(?:work|home|root|Users|tmp/peer)/\w+")
    assert {name: found for name, text in TEXTS.items() if (found := machine.findall(text))} == {}


def test_nothing_is_left_to_do_in_the_source():
    marks = re.compile(r"\b(?:TODO|FIXME|XXX)\b|NotImplementedError\(\)")
    assert [name for name, text in TEXTS.items() if name.startswith("src") and marks.search(text)] == []


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", TEXTS["Makefile"], re.MULTILINE))
    named = {target for path in PROSE for target in re.findall(r"\bmake ([a-z-]+)\b", code_of(path))}
    assert {"demo", "test"} <= named <= targets


@cache
def code_of(path: Path) -> str:
    """What stands in code on a page: fenced blocks and `spans`."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join(fenced + re.findall(r"`([^`\n]+)`", prose))


def named_commands() -> list[str]:
    """The words after `prefect` that name a command: those before the first argument or option."""
    named = {
        found
        for path in PROSE
        for found in re.findall(r"^(?:\$ )?prefect((?: [a-z][a-z-]*)+)", code_of(path), re.MULTILINE)
    }
    return sorted({" ".join(command.split()[:2]) for command in named})


@pytest.mark.parametrize("command", named_commands())
def test_every_command_that_is_named_exists(command):
    words = [sys.executable, "-m", "prefect", *command.split(), "--help"]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("page", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
