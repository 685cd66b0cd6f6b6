"""Forms made from a JSON schema: of a flow's parameters, or of what a paused run asks for.

How a page uses it:

1. `fields_of(schema, values, errors)` gives the fields; `{% from "form.html" import fields %}` and
   `{{ fields(fields_of_the_page) }}` within a form of yours draws them.
2. When the form comes back, `values_of(schema, asked.form)` gives the JSON values by name, and what could not be read.
3. `errors = unreadable or faults(schema, values)` is empty where they fit; otherwise show the page again with
   `fields_of(schema, values, errors, asked.form)`: what was typed stays, each error stands at its field.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from prefect._base.parameter_schema import complaint

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "p"
_DEEPEST: Final = 4
_FORMATS: Final = {"date": "date", "time": "time", "email": "email", "uri": "url", "password": "password"}
_SAID: Final = "Validation failed for field '"


class Field(NamedTuple):
    """One control, or a group of them.

    Args:
        name: of the control, as the form sends it.
        path: of the value, its parts joined by dots; errors are found by it.
        kind: text, date, time, datetime-local, email, url, password, number, switch, choice, json, group, constant.
        text: what stands in the control.
        options: of a choice, as pairs of what is sent and what is read.
        limits: attributes of the control (min, max, step, minlength, maxlength, pattern).
        inside: the fields of a group.
    """

    name: str
    path: str
    label: str
    kind: str
    text: str = ""
    help: str = ""
    error: str = ""
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str], ...] = ()
    inside: tuple[Field, ...] = ()


def fields_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
    typed: Mapping[str, Any] | None = None,
) -> list[Field]:
    """The fields of an object's schema.

    Args:
        schema: of the object; `$ref` is looked up in its own `$defs` or `definitions`.
        values: by name; the schema's defaults stand in for what is missing.
        errors: by path, from `values_of` or `faults`.
        typed: the form that was sent: its texts are shown again as they were typed.
    """
    return _Drawn(schema, errors or {}, typed).inside(schema, values or {}, "", 0)


def values_of(schema: Mapping[str, Any], form: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON values that a form was sent with, and by path what is no JSON, or no number.

    An empty control of something optional is null; of something with a default, it is left out.
    """
    errors: dict[str, str] = {}
    found = _read(schema, fields_of(schema), form, errors)
    return found, errors


def faults(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """What the server's own check has against the values, by path; under `""` what belongs to no field."""
    said = complaint(values, schema)
    if said is None:
        return {}
    reason = said.partition("Failure reason: ")[2] or said
    if said.startswith(_SAID):
        return {said.removeprefix(_SAID).partition("'. ")[0]: reason}
    for name in schema.get("properties", {}):
        if reason == f"{name!r} is a required property":
            return {name: "This is required."}
    return {"": reason}


class _Drawn:
    """Makes fields from one schema, its errors, and what was typed."""

    def __init__(
        self, schema: Mapping[str, Any], errors: Mapping[str, str], typed: Mapping[str, Any] | None
    ) -> None:
        self._schema, self._errors, self._typed = schema, errors, typed

    def inside(
        self, schema: Mapping[str, Any], values: Mapping[str, Any], above: str, deep: int
    ) -> list[Field]:
        """The fields of an object."""
        required = schema.get("required", [])
        properties = sorted(schema.get("properties", {}).items(), key=lambda pair: pair[1].get("position", 0))
        return [
            self._field(
                name,
                one,
                values.get(name, one.get("default")),
                f"{above}{name}",
                required=name in required,
                deep=deep,
            )
            for name, one in properties
        ]

    def _field(
        self, name: str, given: Mapping[str, Any], value: object, path: str, *, required: bool, deep: int
    ) -> Field:
        schema, nullable = resolved(given, self._schema)
        kind = _kind(schema, nullable, value, deep)
        control = f"{PREFIX}.{path}"
        text = _text(value, kind)
        if self._typed is not None and kind not in {"group", "constant"}:
            text = str(self._typed.get(control, ""))
        below: tuple[Field, ...] = ()
        if kind == "group":
            held = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
            below = tuple(self.inside(schema, held, f"{path}.", deep + 1))
        return Field(
            control,
            path,
            str(given.get("title") or schema.get("title") or name),
            kind,
            text,
            str(given.get("description") or schema.get("description") or ""),
            self._errors.get(path, "") or ("" if kind == "group" else self._below(path)),
            required and not nullable,
            _options(schema, nullable, required),
            _limits(schema),
            below,
        )

    def _below(self, path: str) -> str:
        """The error of something within a value that has one control for all of it."""
        found = ((at, said) for at, said in self._errors.items() if at.startswith(f"{path}."))
        return next((f"{at.removeprefix(path + '.')}: {said}" for at, said in found), "")


def resolved(given: Mapping[str, Any], root: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """A schema without `$ref`, `allOf` of one and `anyOf` with null around it, and whether it may be null."""
    schema: dict[str, Any] = dict(given)
    nullable = False
    for _ in range(16):  # references that lead in a circle end as raw JSON
        kinds: list[dict[str, Any]] = schema.get("anyOf") or schema.get("oneOf") or []
        others = [one for one in kinds if one.get("type") != "null"]
        if "$ref" in schema:
            found = _at(root, str(schema.pop("$ref")))
            schema = {**found, **schema}
        elif len(schema.get("allOf", ())) == 1:
            schema = {**schema.pop("allOf")[0], **schema}
        elif len(others) < len(kinds):
            nullable = True
            schema = {name: one for name, one in schema.items() if name not in {"anyOf", "oneOf"}}
            schema = {**schema, **others[0]} if len(others) == 1 else {**schema, "anyOf": others}
        else:
            break
    return schema, nullable


def _at(root: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """What a reference names; nothing where the schema does not hold it."""
    found: Any = root
    for part in reference.removeprefix("#/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        found = cast("dict[str, Any]", found).get(name, {}) if isinstance(found, dict) else {}
    return dict(cast("dict[str, Any]", found))


def _kind(schema: Mapping[str, Any], nullable: bool, value: object, deep: int) -> str:
    kind = schema.get("type")
    if "const" in schema:
        return "constant"
    if "enum" in schema:
        return "choice"
    if kind == "boolean":
        return "choice" if nullable else "switch"
    if kind in {"integer", "number"}:
        return "number"
    if kind == "object" and schema.get("properties") and not nullable and deep < _DEEPEST:
        return "group"
    if kind == "string":
        if schema.get("format") == "date-time":
            # the browser's own control knows no zone: a value that has one stays as it is written
            return (
                "text"
                if isinstance(value, str) and len(value) > len("2026-01-01T00:00:00")
                else "datetime-local"
            )
        return _FORMATS.get(schema.get("format", ""), "text")
    return "json"


def _options(schema: Mapping[str, Any], nullable: bool, required: bool) -> tuple[tuple[str, str], ...]:
    values = schema.get("enum", [True, False] if schema.get("type") == "boolean" else [])
    pairs = [(json.dumps(one), one if isinstance(one, str) else json.dumps(one)) for one in values]
    return (*([("", "None" if nullable else "…")] if nullable or not required else []), *pairs)


def _limits(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    names = {"minimum": "min", "maximum": "max", "minLength": "minlength", "maxLength": "maxlength"}
    found = [(to, str(schema[name])) for name, to in names.items() if name in schema]
    if schema.get("type") in {"integer", "number"}:
        found.append(("step", str(schema.get("multipleOf", 1 if schema["type"] == "integer" else "any"))))
    elif schema.get("format") in {"date-time", "time"}:
        found.append(("step", "1"))
    return tuple(found)


def _text(value: object, kind: str) -> str:
    if kind in {"json", "choice"}:
        return (
            ""
            if value is None and kind == "choice"
            else json.dumps(value, indent=2 if kind == "json" else None)
        )
    if kind == "switch":
        return "true" if value is True else ""
    return "" if value is None else str(value)


def _read(
    root: Mapping[str, Any], fields: list[Field], form: Mapping[str, Any], errors: dict[str, str]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        name = field.path.rpartition(".")[2] if "." in field.path else field.path
        schema, nullable = resolved(_schema_at(root, field.path), root)
        text = str(form.get(field.name, ""))
        if field.kind == "group":
            found[name] = _read(root, list(field.inside), form, errors)
        elif field.kind == "constant":
            found[name] = schema["const"]
        elif field.kind == "switch":
            found[name] = text == "true"
        elif text == "" and (nullable or field.kind != "text"):
            if nullable:
                found[name] = None
        else:
            try:
                found[name] = _value(text, field.kind, str(schema.get("type")))
            except ValueError as exc:
                errors[field.path] = f"Expected {_expected(field.kind)}, got what does not read so: {exc}."
    return found


def _schema_at(root: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = root
    for part in path.split("."):
        schema = resolved(schema, root)[0].get("properties", {}).get(part, {})
    return schema


def _value(text: str, kind: str, of: str) -> object:
    """Raises ValueError."""
    if kind in {"json", "choice"}:
        return json.loads(text)
    if kind == "number":
        return int(text) if of == "integer" else float(text)
    return text


def _expected(kind: str) -> str:
    return {"number": "a number", "json": "JSON", "choice": "one of the options"}[kind]
