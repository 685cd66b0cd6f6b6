"""What is wrong with the values of a form."""

from __future__ import annotations

from pydantic import BaseModel


class SchemaValuePropertyError(BaseModel):
    """What is wrong in a field."""

    property: str
    errors: list[str | SchemaValuePropertyError | SchemaValueIndexError]


class SchemaValueIndexError(BaseModel):
    """What is wrong in an item of a list."""

    index: int
    errors: list[str | SchemaValuePropertyError | SchemaValueIndexError]


class SchemaValuesValidationResponse(BaseModel):
    """Whether values fit, and what is wrong with them."""

    errors: list[str | SchemaValuePropertyError | SchemaValueIndexError]
    valid: bool
