"""Forms made from JSON schemas: a field a property, and what was sent back as JSON again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from prefect._api.errors import Refused

Schema = Mapping[str, Any]
_INPUTS = {"integer": "number", "number": "number", "boolean": "checkbox", "string": "text"}
_FORMATS = {"date": "date", "time": "time", "password": "password", "email": "email"}


class Field(NamedTuple):
    """A field: `kind` is the type of its input; `json` where any JSON is, `choice` where there are `options`."""

    name: str
    label: str
    kind: str
    value: str
    required: bool
    options: list[tuple[str, str]]
    hint: str
    step: str
    nullable: bool


def fields_of(schema: Schema) -> list[Field]:
    """The fields of an object's schema."""
    required: list[str] = list(schema.get("required", ()))
    properties: dict[str, Schema] = dict(schema.get("properties", {}))
    return [_field(name, one, schema, name in required) for name, one in properties.items()]


def values_of(form: Mapping[str, Any], schema: Schema, *, prefix: str = "field-") -> dict[str, Any]:
    """What was filled in; what is empty and need not be given is left out. Raises Refused."""
    found: dict[str, Any] = {}
    for field in fields_of(schema):
        sent = form.get(prefix + field.name)
        if field.kind == "checkbox":
            found[field.name] = sent is not None
        elif sent not in {None, ""}:
            found[field.name] = _read(field, str(sent))
        elif field.kind == "text" and field.required and not field.nullable:
            found[field.name] = ""
    return found


def _read(field: Field, sent: str) -> Any:
    if field.kind in {"number", "json", "choice"}:
        try:
            return json.loads(sent)
        except ValueError:
            wanted = "a number" if field.kind == "number" else "JSON"
            raise Refused(f"{field.label}: expected {wanted}, got {sent!r}.") from None
    return sent


def _field(name: str, given: Schema, whole: Schema, required: bool) -> Field:
    one, nullable = _resolved(given, whole)
    kind, options = _kind(one), [(json.dumps(value), str(value)) for value in _choices(one)]
    default = given.get("default", one.get("default"))
    return Field(
        name=name,
        label=str(given.get("title") or one.get("title") or name),
        kind="choice" if options else kind,
        value=_shown(default, "choice" if options else kind),
        required=required,
        options=options,
        hint=str(given.get("description") or ""),
        step="1" if one.get("type") == "integer" else "any",
        nullable=nullable,
    )


def _resolved(one: Schema, whole: Schema) -> tuple[Schema, bool]:
    """A schema without its references, and without null if that was one of two choices."""
    nullable = False
    for _ in range(8):  # a schema may refer to itself
        some = cast("list[Schema]", one.get("anyOf") or one.get("oneOf") or one.get("allOf") or [])
        rest = [each for each in some if each.get("type") != "null"]
        if "$ref" in one:
            name = str(one["$ref"]).rpartition("/")[2]
            one = whole.get("$defs", whole.get("definitions", {})).get(name, {})
        elif len(rest) == 1:
            nullable = nullable or len(rest) < len(some)
            one = rest[0]
        else:
            break
    return one, nullable


def _kind(one: Schema) -> str:
    kind = _INPUTS.get(str(one.get("type")), "json")
    return _FORMATS.get(str(one.get("format")), kind) if kind == "text" else kind


def _choices(one: Schema) -> list[Any]:
    return list(one.get("enum") or ([one["const"]] if "const" in one else []))


def _shown(default: Any, kind: str) -> str:
    if default is None:
        return ""
    if kind == "checkbox":
        return "on" if default else ""
    return default if isinstance(default, str) and kind not in {"json", "choice"} else json.dumps(default)
