"""What stands in `{{ … }}` in templates, for packages written for Prefect 3."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, NamedTuple, cast

_PLACEHOLDER = re.compile(r"{{\s*([\w.\-\[\]$ ]+?)\s*}}")


class PlaceholderType(Enum):
    """What a placeholder refers to."""

    STANDARD = "standard"
    BLOCK_DOCUMENT = "block_document"
    VARIABLE = "variable"
    ENV_VAR = "env_var"


class Placeholder(NamedTuple):
    """A placeholder, as it stands in a template."""

    full_match: str
    name: str
    type: PlaceholderType


def find_placeholders(template: Any) -> set[Placeholder]:
    """The placeholders in a template: a text, or dicts and lists of them."""
    if isinstance(template, str):
        return {Placeholder(match[0], match[1], _type(match[1])) for match in _PLACEHOLDER.finditer(template)}
    if isinstance(template, dict):
        parts = list(cast("dict[str, Any]", template).values())
    else:
        parts = list(cast("list[Any]", template)) if isinstance(template, (list, tuple, set)) else []
    return {found for part in parts for found in find_placeholders(part)}


def _type(name: str) -> PlaceholderType:
    if name.startswith("$"):
        return PlaceholderType.ENV_VAR
    if name.startswith("prefect.blocks."):
        return PlaceholderType.BLOCK_DOCUMENT
    if name.startswith("prefect.variables."):
        return PlaceholderType.VARIABLE
    return PlaceholderType.STANDARD
