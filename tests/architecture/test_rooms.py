"""Rooms stay small: a module or function that outgrows these sizes is telling you that it holds two things."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from statistics import median

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = {
    str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def functions(module: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(ast.parse(MODULES[module])) if isinstance(node, FUNCTIONS)]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the last one, both counted."""
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_over_500_lines(module):
    assert len(MODULES[module].splitlines()) <= 500


@pytest.mark.parametrize("module", MODULES)
def test_no_function_is_over_60_lines(module):
    assert {node.name: length(node) for node in functions(module) if length(node) > 60} == {}


def test_the_median_module_is_a_room_and_not_a_hall():
    sizes = [len(text.splitlines()) for text in MODULES.values() if text.strip()]
    assert median(sizes) <= 170


def test_the_median_function_is_a_screenful_at_most():
    assert median(length(node) for module in MODULES for node in functions(module)) <= 12


@pytest.mark.parametrize("module", MODULES)
def test_an_import_inside_a_function_carries_its_reason(module):
    """Such an import keeps start-up light, and a comment beside it or right above it says how."""
    lines = MODULES[module].splitlines()
    unexplained = [group for group in inner_imports(module) if not is_explained(lines, *group)]
    assert [lines[first - 1].strip() for first, _ in unexplained] == []


def inner_imports(module: str) -> list[tuple[int, int]]:
    """The first and last line of each group of imports that stand together inside a function."""
    imports = (ast.Import, ast.ImportFrom)
    inner = {
        node for function in functions(module) for node in ast.walk(function) if isinstance(node, imports)
    }
    groups: list[tuple[int, int]] = []
    for node in sorted(inner, key=lambda node: node.lineno):
        if groups and node.lineno == groups[-1][1] + 1:
            groups[-1] = (groups[-1][0], node.end_lineno)
        else:
            groups.append((node.lineno, node.end_lineno))
    return groups


def is_explained(lines: list[str], first: int, last: int) -> bool:
    return lines[first - 2].strip().startswith("#") or any("#" in line for line in lines[first - 1 : last])
