"""Words of the form `key=value`, and JSON objects, on the command line."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from prefect.cli._output import fail

if TYPE_CHECKING:
    from collections.abc import Iterable


def pairs(words: Iterable[str], option: str) -> dict[str, Any]:
    """The values by name; each is JSON, or else the text as it is. Ends the command for a word without `=`."""
    found: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name and equals):
            fail(f"Expected {option} as name=value, got {word!r}.")
        found[name] = json_or_text(value)
    return found


def json_or_text(value: str) -> Any:
    """What a text says as JSON; the text itself where it is none."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def json_object(text: str | None, option: str) -> dict[str, Any]:
    """A JSON object; `-` reads it from standard input. Ends the command where it is something else."""
    if text is None:
        return {}
    try:
        value = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError as exc:
        fail(f"Expected {option} to be a JSON object, got {text!r}: {exc}.")
    if not isinstance(value, dict):
        fail(f"Expected {option} to be a JSON object, got {text!r}.")
    return value  # pyright: ignore[reportUnknownVariableType] # keys of JSON are texts


def parameters(words: Iterable[str], params: str | None) -> dict[str, Any]:
    """The parameters of `--param` and `--params`. Ends the command where a name is given by both."""
    named, together = pairs(words, "--param"), json_object(params, "--params")
    both = sorted(named.keys() & together.keys())
    if both:
        fail(f"Expected each parameter once, got {', '.join(both)} by --param and by --params.")
    return {**together, **named}
