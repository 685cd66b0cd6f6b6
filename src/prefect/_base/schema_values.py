"""What is wrong with values that somebody fills a form with, field by field; and values that stand for others.

In place of a value may stand `{"__prefect_kind": KIND, …}`: JSON in text (`json`), a template that is filled in later
(`jinja`), the value of a variable (`workspace_variable`), or a value after all (`none`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from prefect._base.templates import mistake_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Path = tuple[str | int, ...]
    Errors = list[str | dict[str, Any]]  # texts, and {"property" or "index": …, "errors": Errors}

KIND = "__prefect_kind"
_NULLABLE = " is not valid under any of the given schemas"


class WrongSchema(ValueError):
    """The schema itself cannot be used."""


class _Wrong(NamedTuple):
    """A value that cannot be had."""

    message: str


class _Later:
    """A value that is known later."""


_LATER = _Later()
_ABSENT = object()


def errors_in(
    values: Mapping[str, Any], schema: Mapping[str, Any], variable: Callable[[str], tuple[Any] | None]
) -> Errors:
    """What is wrong with the values: texts about all of them, and for each field `{"property", "errors"}`.

    A field that is not required may be null. No schema is fetched from anywhere.

    Args:
        values: by field, with what stands for others.
        schema: of an object.
        variable: gives the value of a variable as a tuple of one; None where there is none of that name.

    Raises:
        WrongSchema: the schema is no JSON schema, or refers to what it does not hold.
    """
    from jsonschema import Draft202012Validator  # only who fills forms pays for it
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        raise WrongSchema(exc.message) from exc
    found: Errors = []
    aside: list[Path] = []
    plain = _read(dict(values), (), variable, found, aside)
    validator: Any = Draft202012Validator(_nullable(schema), registry=Registry())
    try:
        for error in validator.iter_errors({} if plain is _ABSENT else plain):
            path = tuple(error.absolute_path)
            if not any(path[: len(one)] == one for one in aside):
                _place(found, *_said(error, path))
    except (Unresolvable, RecursionError) as exc:
        raise WrongSchema(f"{type(exc).__name__}: {exc}") from exc
    return found


def _read(
    value: Any,
    path: Path,
    variable: Callable[[str], tuple[Any] | None],
    found: Errors,
    aside: list[Path],
) -> Any:
    """The value that stands there; mistakes are put into `found`, places not to look at into `aside`."""
    if isinstance(value, list):
        items = [
            _read(one, (*path, i), variable, found, aside) for i, one in enumerate(cast("list[Any]", value))
        ]
        return [one for one in items if one is not _ABSENT]
    if not isinstance(value, dict):
        return value
    fields = cast("dict[str, Any]", value)
    if KIND not in fields:
        read = {name: _read(one, (*path, name), variable, found, aside) for name, one in fields.items()}
        return {name: one for name, one in read.items() if one is not _ABSENT}
    meant = _meant(fields, variable)
    if isinstance(meant, (_Wrong, _Later)):
        aside.append(path)
        if isinstance(meant, _Wrong):
            _place(found, path, meant.message)
        return None
    return meant


def _meant(fields: dict[str, Any], variable: Callable[[str], tuple[Any] | None]) -> Any:
    """What an object with a kind stands for."""
    kind = fields[KIND]
    if kind == "json":
        return _from_json(fields.get("value", _ABSENT))
    if kind == "jinja":
        if "template" not in fields:
            return _Wrong("Missing 'template' key in __prefect object")
        mistake = mistake_in(str(fields["template"] or ""))
        return _LATER if mistake is None else _Wrong(f"Invalid jinja: {mistake.message}")
    if kind == "workspace_variable":
        if "variable_name" not in fields:
            return _ABSENT
        named = variable(str(fields["variable_name"]))
        name = fields["variable_name"]
        return _Wrong(f"Variable '{name}' not found in workspace.") if named is None else named[0]
    if kind in {"none", None}:
        return fields["value"] if "value" in fields else _Wrong("Missing 'value' key in __prefect object")
    return None


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as exc:
        return _Wrong(f"Invalid JSON: {exc}")


def _nullable(schema: Any) -> Any:
    """The schema with null allowed for each field of an object that is not required."""
    if isinstance(schema, list):
        return [_nullable(one) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: value if key in {"enum", "const", "default", "examples"} else _nullable(value)
        for key, value in cast("dict[str, Any]", schema).items()
    }
    fields, required = made.get("properties"), made.get("required")
    if isinstance(fields, dict):
        needed = cast("list[Any]", required) if isinstance(required, list) else []
        for name, field in cast("dict[str, Any]", fields).items():
            if name not in needed and isinstance(field, dict) and "type" in field:
                kinds = cast("dict[str, Any]", field)["type"]
                listed = cast("list[Any]", kinds) if isinstance(kinds, list) else [kinds]
                field["type"] = list(dict.fromkeys([*listed, "null"]))
    return made


def _said(error: Any, path: Path) -> tuple[Path, str]:
    """Where an error belongs, and its text."""
    if error.validator == "required":
        absent = next(name for name in error.validator_value if error.message.startswith(f"{name!r} "))
        return (*path, absent), error.message
    if error.validator == "type" and isinstance(error.validator_value, list) and path:
        return path, f"{error.instance!r}{_NULLABLE}"
    return path, error.message


def _place(errors: Errors, path: Path, message: str) -> None:
    """Put a message where it belongs: below the fields and items that lead there."""
    if not path:
        errors.append(message)
        return
    for part in path[:-1]:
        errors = _below(errors, part)
    last = path[-1]
    errors.append({"index" if isinstance(last, int) else "property": last, "errors": [message]})


def _below(errors: Errors, part: str | int) -> Errors:
    """The errors of what is in a field or an item; there may be others of the field itself."""
    key = "index" if isinstance(part, int) else "property"
    for one in errors:
        if not isinstance(one, str) and one.get(key) == part and not isinstance(one["errors"][0], str):
            return one["errors"]
    inner: dict[str, Any] = {key: part, "errors": []}
    errors.append(inner)
    return inner["errors"]
