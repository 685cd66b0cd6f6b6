"""Every public name of deployments, runners, schedules, workers, pauses, inputs, limits and events is there, takes
what it is said to take, and is used by a test of what it does.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from prefect._options import FlowOptions
from prefect.deployments._options import DeploymentOptions
from prefect.schedules import Policies

TESTS = Path(__file__).parents[1]
LISTED = (Path(__file__).parent / "data" / "public_names.txt").read_text(encoding="utf-8")
OPTIONS = {"DeploymentOptions": DeploymentOptions, "FlowOptions": FlowOptions, "Policies": Policies}


def listed() -> list[tuple[str, str, list[str] | None]]:
    """Module, name, and the parameters if any are stated."""
    found: list[tuple[str, str, list[str] | None]] = []
    module = ""
    for line in LISTED.splitlines():
        if line.startswith("["):
            module = line.strip("[]")
        elif line and not line.startswith("#"):
            name, parenthesis, rest = line.partition("(")
            found.append((module, name, re.findall(r"[\w*]+", rest) if parenthesis else None))
    return found


NAMES = listed()


def taken_by(thing: Any) -> set[str]:
    """What can be given to it by name (`**options` by the names of the options)."""
    if isinstance(thing, type) and issubclass(thing, BaseModel):
        return set(thing.model_fields)
    parameters = inspect.signature(thing).parameters.values()
    taken = {one.name for one in parameters if one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}}
    for one in parameters:
        if one.kind is one.VAR_POSITIONAL:
            taken.add(f"*{one.name}")
        elif one.kind is one.VAR_KEYWORD:
            taken.add(f"**{one.name}")
            options = re.search(r"Unpack\[(\w+)\]", str(one.annotation))
            taken |= set(OPTIONS[options.group(1)].__annotations__) if options else set()
    return taken


@pytest.mark.parametrize(("module", "name", "stated"), NAMES, ids=[f"{m}-{n}" for m, n, _ in NAMES])
def test_the_name_is_there_and_takes_what_it_should(module, name, stated):
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        fields = getattr(found, "model_fields", {})
        found = fields[part] if part in fields else getattr(found, part)
    if stated is not None:
        accepted = taken_by(found)
        assert [one for one in stated if one not in accepted] == []


def words_in(path: Path) -> set[str]:
    """The names that a test file uses: names, attributes, imports, keywords and words within its texts."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name.rpartition(".")[2])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(re.findall(r"\w+", node.value))  # programs that tests run
    return found


@cache
def used() -> set[str]:
    return set().union(*(words_in(path) for path in TESTS.rglob("*.py") if "architecture" not in path.parts))


def test_every_name_is_used_by_a_test():
    assert [f"{module}.{name}" for module, name, _ in NAMES if name.rpartition(".")[2] not in used()] == []
