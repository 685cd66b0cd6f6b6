"""Whether parameters fit the JSON schema of a flow's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema.exceptions import ValidationError


def complaint(
    parameters: Mapping[str, Any], schema: Mapping[str, Any], *, missing_is_wrong: bool = True
) -> str | None:
    """What is wrong with the parameters, or with the schema itself; None where they fit.

    Args:
        parameters: by name.
        schema: of the object that they are the fields of.
        missing_is_wrong: whether what the schema requires must be there already.
    """
    from jsonschema import Draft202012Validator  # only programs with deployments pay for it
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        return f"The schema provided is not a valid json schema. Schema error: {exc.message}"
    validator: Any = Draft202012Validator(schema, registry=Registry())  # fetches nothing from anywhere
    try:
        for error in validator.iter_errors(parameters):
            if missing_is_wrong or error.validator != "required":
                return _text(error)
    except Unresolvable as exc:
        return f"The schema refers to what it does not hold: {exc}"
    return None


def _text(error: ValidationError) -> str:
    where = ".".join(str(part) for part in error.absolute_path)
    field = f" for field '{where}'" if where else ""
    return f"Validation failed{field}. Failure reason: {error.message}"
