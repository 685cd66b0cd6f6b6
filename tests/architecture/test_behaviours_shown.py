"""Every behaviour that docs/behaviours.md lists is shown by a test, or listed there with the reason why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "behaviours.md").read_text(encoding="utf-8")
LISTED = [int(number) for number in re.findall(r"^(\d+)\. ", PAGE, re.MULTILINE)]
NOT_YET = {
    int(number): reason for number, reason in re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
}


@cache
def shown() -> dict[int, list[str]]:
    """The tests that carry each number."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number in _numbers(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(number, []).append(path.name)
    return found


def _numbers(tree: ast.Module) -> list[int]:
    """What `pytest.mark.behaviour(...)` is called with, anywhere in a file."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    marks = [call for call in calls if ast.unparse(call.func) == "pytest.mark.behaviour"]
    return [ast.literal_eval(number) for mark in marks for number in mark.args]


def test_the_page_lists_67_behaviours_in_order():
    assert LISTED == list(range(1, 68))


def test_every_behaviour_is_shown_or_has_a_reason():
    assert [number for number in LISTED if number not in shown() and number not in NOT_YET] == []


def test_tests_carry_only_numbers_of_the_page():
    assert sorted(shown().keys() - set(LISTED)) == []


def test_every_reason_says_something():
    assert all(len(reason.split()) > 3 for reason in NOT_YET.values())
    assert NOT_YET.keys() <= set(LISTED)
