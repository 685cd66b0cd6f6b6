"""Whether values fit a schema, field by field: what a form shows while it is filled in."""

from __future__ import annotations

from typing import Any

from prefect._api.api import Api
from prefect._api.endpoint import endpoint
from prefect._api.errors import Refused
from prefect._base.schema_values import WrongSchema, errors_in
from prefect._storage.variables import VARIABLES
from prefect.model.requests.schema_values import SchemaValues
from prefect.model.schema_values import SchemaValuesValidationResponse


@endpoint("POST", "/ui/schemas/validate", role="viewer")
def validate_obj(api: Api, body: SchemaValues) -> SchemaValuesValidationResponse:
    """What is wrong with the values of a form. Raises Refused (422) for a schema that is none."""

    def variable(name: str) -> tuple[Any] | None:
        found = VARIABLES.read(api.store, name=name)
        return None if found is None else (found.value,)

    try:
        errors = errors_in(body.values, body.schema_, variable)
    except WrongSchema as exc:
        raise Refused(f"Invalid schema: {exc}") from exc
    return SchemaValuesValidationResponse.model_validate({"errors": errors, "valid": not errors})
