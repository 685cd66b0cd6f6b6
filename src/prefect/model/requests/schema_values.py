"""Values of a form, and the schema of it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from prefect.model.requests.base import ActionBaseModel


class SchemaValues(ActionBaseModel):
    """Values to look at."""

    schema_: dict[str, Any] = Field(alias="schema")
    values: dict[str, Any]
