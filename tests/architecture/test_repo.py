"""What the repository says about itself is true, and says nothing about the machine it was written on."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize("page", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
