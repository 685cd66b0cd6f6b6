"""The JSON schema of a flow's parameters, from its annotations, defaults and docstring."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticOmit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

    from prefect.flows import Flow

_SECTION = re.compile(r"^(?:Args|Arguments|Parameters):\s*$")
_ARGUMENT = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_FIELD = re.compile(r"^:param(?:\s+[^:]*?)?\s+(\w+):\s*(.*)$")


class _Generator(GenerateJsonSchema):
    """Whatever JSON has no type for may be anything: the flow itself checks it when it runs."""

    ignored_warning_kinds: ClassVar[Any] = {"skipped-choice", "non-serializable-default"}

    def handle_invalid_for_json_schema(
        self,
        schema: Any,  # noqa: ARG002 - of the base class
        error_info: str,  # noqa: ARG002 - of the base class
    ) -> JsonSchemaValue:
        return {}

    def callable_schema(self, schema: core_schema.CallableSchema) -> JsonSchemaValue:  # noqa: ARG002 - of the base class
        raise PydanticOmit


def parameter_schema(flow: Flow[..., Any]) -> dict[str, Any]:
    """The schema of the object whose fields are the flow's parameters, in the form of the API.

    A parameter whose annotation JSON cannot express has no type in it. Descriptions come from the docstring
    (Google's `Args:` section, or `:param name:`); `position` is the place in the signature.
    """
    signature = inspect.signature(flow.fn)
    hints, said = flow.type_hints, _descriptions(flow.fn)
    fields: dict[str, Any] = {}
    for position, parameter in enumerate(signature.parameters.values()):
        fields[f"p{position}"] = _field(parameter, hints, said.get(parameter.name), position)
    model = create_model("Parameters", __config__=ConfigDict(arbitrary_types_allowed=True), **fields)
    schema = model.model_json_schema(
        by_alias=True, ref_template="#/definitions/{model}", schema_generator=_Generator
    )
    return {
        "title": "Parameters",
        "type": "object",
        "properties": schema.get("properties", {}),
        "required": schema.get("required", []),
        "definitions": schema.get("$defs", {}),
    }


def _field(
    parameter: inspect.Parameter, hints: dict[str, Any], description: str | None, position: int
) -> tuple[Any, Any]:
    """A field under a name of its own: a parameter may be called like something of pydantic's."""
    hint = hints.get(parameter.name, Any)
    default: Any = ... if parameter.default is inspect.Parameter.empty else parameter.default
    if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
        hint, default = list[hint], []
    elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
        hint, default = dict[str, hint], {}
    made = Field(
        default,
        alias=parameter.name,
        title=parameter.name,
        description=description,
        json_schema_extra={"position": position},
    )
    return hint, made


def _descriptions(fn: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each parameter."""
    found: dict[str, str] = {}
    inside, indent, name = False, 0, ""
    for line in (inspect.getdoc(fn) or "").splitlines():
        text = line.strip()
        own = len(line) - len(line.lstrip())
        field = _FIELD.match(text)
        if field:
            name, inside = field[1], False
            found[name] = field[2]
        elif _SECTION.match(line):
            inside, indent, name = True, 0, ""
        elif inside and text:
            if not own:
                inside = False
                continue
            indent = indent or own
            argument = _ARGUMENT.match(text) if own == indent else None
            if argument:
                name = argument[1]
                found[name] = argument[2]
            elif name:
                found[name] = f"{found[name]} {text}".strip()
    return {name: text for name, text in found.items() if text}
