"""Every command is documented. (Every setting: test_settings_documented.)"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def commands(*group: str) -> set[str]:
    """The commands below a group, as their own help lists them."""
    words = [sys.executable, "-m", "prefect", *group, "--help"]
    listed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout.partition(
        "Commands:"
    )[2]
    names = re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE)
    return {full for name in names for full in commands(*group, name) or {" ".join([*group, name])}}


def test_every_command_is_documented():
    page = (DOCS / "guides" / "cli.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `prefect ([a-z-]+(?: [a-z][a-z-]*)*)", page, re.MULTILINE))
    assert {name for name in commands() if not name.startswith("server ")} == documented
