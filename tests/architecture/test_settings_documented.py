"""docs/settings.md is written from the table of settings, and is current."""

from __future__ import annotations

import re
from pathlib import Path

from prefect._base.settings.document import page
from prefect._base.settings.table import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_is_current():
    assert PAGE.read_text() == page(), "run: python -m prefect._base.settings.document > docs/settings.md"


def test_the_page_has_every_setting_once_under_one_heading_per_group():
    text = PAGE.read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert len(headings) == len(set(headings))
    for spec in TABLE:
        assert len(re.findall(rf"^\| `{spec.env}`", text, re.MULTILINE)) == 1


def test_every_setting_says_what_it_does():
    for spec in TABLE:
        assert re.fullmatch(r"[A-Z`].+\.", spec.about), (
            f"{spec.path}: expected a sentence, got {spec.about!r}"
        )
        assert "|" not in spec.about + spec.kind.expects, f"{spec.path}: a bar breaks the table"
