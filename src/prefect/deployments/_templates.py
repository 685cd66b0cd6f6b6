"""Filling in `{{ … }}`: what earlier steps gave, environment variables, variables and blocks.

Of a value that is one placeholder and nothing else, what stands for it keeps its type; in a longer text it becomes
text. What is not known is left out: an entry that is nothing else disappears.
"""

# JSON of any shape is Any, and narrowing Any makes it partially unknown.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from prefect._base.notset import NotSet
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Lookup = Callable[[str], Any]

PLACEHOLDER: Final = re.compile(r"{{\s*([\w $.\[\]/:-]+?)\s*}}")
_BLOCK: Final = "prefect.blocks."
_VARIABLE: Final = "prefect.variables."


def filled(
    template: Any,
    values: Mapping[str, Any],
    *,
    keep_unknown: bool = False,
    late: tuple[str, ...] = (),
    strict: bool = False,
) -> Any:
    """A template with everything in it filled in; `NotSet` where it is one placeholder that nobody knows.

    Args:
        template: JSON of any shape.
        values: what the names stand for; dots lead into mappings.
        keep_unknown: leave a placeholder that nobody knows as it stands.
        late: beginnings of names that somebody else fills in later: their placeholders stay too.
        strict: refuse what refers to a variable, or to one of the environment, that is not there; else it is empty.

    Raises:
        ObjectNotFound: there is no such block.
        ValueError: there is no such variable (if `strict`), or nothing of that name in a block.
    """
    return _filled(template, _Lookup(values, late, strict=strict), keep_unknown=keep_unknown)


def _filled(template: Any, look_up: Lookup, *, keep_unknown: bool) -> Any:
    if isinstance(template, str):
        return _text(template, look_up, keep_unknown=keep_unknown)
    if isinstance(template, dict):
        made = {key: _filled(value, look_up, keep_unknown=keep_unknown) for key, value in template.items()}
        return {key: value for key, value in made.items() if value is not NotSet}
    if isinstance(template, (list, tuple)):
        items = [_filled(value, look_up, keep_unknown=keep_unknown) for value in template]
        return [item for item in items if item is not NotSet]
    return template


def _text(template: str, look_up: Lookup, *, keep_unknown: bool) -> Any:
    alone = PLACEHOLDER.fullmatch(template.strip())
    if alone is not None:
        value = look_up(alone[1])
        return template if value is NotSet and keep_unknown else value

    def said(match: re.Match[str]) -> str:
        value = look_up(match[1])
        if value is NotSet:
            return match[0] if keep_unknown else ""
        return str(value)

    return PLACEHOLDER.sub(said, template)


class _Lookup:
    """What a name in a placeholder stands for."""

    def __init__(self, values: Mapping[str, Any], late: tuple[str, ...], *, strict: bool) -> None:
        self._values = values
        self._late = late
        self._strict = strict

    def __call__(self, name: str) -> Any:
        if self._late and name.startswith(self._late):
            return "{{ %s }}" % name  # noqa: UP031 - braces
        if name.startswith("$"):
            return self._of_environment(name[1:].strip())
        if name.startswith(_BLOCK):
            return _block(name.removeprefix(_BLOCK))
        if name.startswith(_VARIABLE):
            return self._variable(name.removeprefix(_VARIABLE))
        if name in self._values:
            return self._values[name]
        return _within(self._values, name.split("."))

    def _of_environment(self, name: str) -> str:
        if self._strict and name not in os.environ:
            raise ValueError(
                f"Expected the environment variable {name} that '{{{{ ${name} }}}}' refers to, and this process has "
                "none. Set it where the process is started, or change the reference."
            )
        return os.environ.get(name, "")

    def _variable(self, name: str) -> Any:
        with get_client(sync_client=True) as client:
            found = client.read_variable_by_name(name)
        if self._strict and found is None:
            raise ValueError(
                f"Expected the variable {name} that '{{{{ {_VARIABLE}{name} }}}}' refers to, found none. "
                f"Set it (`prefect variable set {name} VALUE`), or change the reference."
            )
        return "" if found is None else found.value


def _within(value: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return NotSet
    return value


def _block(path: str) -> Any:
    """The data of a saved block, or what a path leads to within it. One that holds a single value is that value."""
    slug, _, rest = path.partition(".")
    name, *inner = rest.split(".")
    with get_client(sync_client=True) as client:
        try:
            document = client.read_block_document_by_name(name, slug, include_secrets=True)
        except ObjectNotFound as exc:
            raise ObjectNotFound(
                exc.http_exc,
                f"Expected the block '{slug}/{name}' that '{{{{ {_BLOCK}{path} }}}}' refers to, found none. Save it "
                "under that name, or change the reference; `prefect block ls` lists what there is.",
            ) from exc
    data: Any = document.data
    if list(data) == ["value"]:
        if not inner:
            return data["value"]
        if inner[0] != "value":
            data = data["value"]
    found = _within(data, inner)
    if found is NotSet:
        raise ValueError(f"Expected {'.'.join(inner)!r} in the block '{slug}/{name}', found {sorted(data)}.")
    return found
