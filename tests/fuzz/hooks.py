"""Hooks of schemathesis: what an answer has named is asked for later, so that requests reach objects that exist."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from typing import Any
from urllib.parse import quote

import schemathesis

KEPT = 30  # of each noun: the newest, as older ones have been deleted by then
_NOUNS = ("id", "name", "key", "slug", "checksum", "path", "lease_id")
_known: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=KEPT))
_random = random.Random(7)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:  # noqa: ARG001 - as schemathesis calls it
    """Name an object that exists in most paths, and in half of the fields of a body that refer to one."""
    noun = _noun(case.operation.path)
    for name in case.path_parameters or {}:
        if _random.random() < 0.7:
            known = _one(_refers_to(name, noun), name)
            if known is not None:
                case.path_parameters[name] = _in_path(known)
    if isinstance(case.body, dict):
        case.body = _with_references(case.body)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:  # noqa: ARG001 - as schemathesis calls it
    """Remember what an answer names."""
    if response.status_code in {200, 201}:
        answer = response.json() if "json" in response.headers.get("content-type", [""])[0] else None
        for one in answer if isinstance(answer, list) else [answer]:
            _remember(_noun(case.operation.path), one)


def _noun(path: str) -> str:
    """`queues` of `/work_pools/{name}/queues/{id}`: the last word of a path that is followed by a name, or the first."""
    words = [word for word in path.strip("/").split("/") if word not in {"v2", "name", "latest"}]
    return words[0] if words else ""


def _refers_to(name: str, noun: str) -> str:
    """`flows` for `flow_id`, and for what is named `id` or `name` the noun of the path."""
    stem = name.removesuffix("_id").removesuffix("_name")
    return noun if name in _NOUNS or stem == name else f"{stem}s"


def _one(noun: str, name: str) -> str | None:
    field = "name" if name.endswith("name") else "id" if name.endswith("id") else name
    known = _known.get(f"{noun}.{field}")
    return _random.choice(known) if known else None


def _in_path(value: str) -> str:
    """As it is written in a URL, where schemathesis puts it as it is: a name may hold `#`, `?`, `/`, or be `..`."""
    return quote(value, safe="") if value.strip(".") else value.replace(".", "%2E")


def _with_references(body: dict[str, Any]) -> dict[str, Any]:
    changed = dict(body)
    for name, value in body.items():
        if isinstance(value, dict):
            changed[name] = _with_references(value)
        elif isinstance(value, str) and name.endswith(("_id", "_name")) and _random.random() < 0.5:
            changed[name] = _one(_refers_to(name, ""), name) or value
    return changed


def _remember(noun: str, one: Any) -> None:
    if not isinstance(one, dict):
        return
    for name in _NOUNS:
        if isinstance(one.get(name), str) and one[name]:
            _known[f"{noun}.{name}"].append(one[name])
