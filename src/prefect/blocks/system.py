"""Blocks that hold a value."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, TypeVar

from pydantic import Field, JsonValue, SecretStr, field_validator
from pydantic import Secret as PydanticSecret

from prefect.blocks.core import Block

__all__ = ["Secret"]

T = TypeVar("T")


class Secret(Block, Generic[T]):
    """A value that is hidden wherever it is shown.

    Attributes:
        value: a text, or anything that JSON can hold.
    """

    _block_type_name: ClassVar[str | None] = "Secret"
    _block_type_slug: ClassVar[str | None] = "secret"
    _description: ClassVar[str | None] = "A value that is hidden wherever it is shown."

    value: SecretStr | PydanticSecret[JsonValue] = Field(
        description="A value that should be kept secret.", json_schema_extra={"format": "password"}
    )

    def __class_getitem__(cls, typevar_values: Any) -> Any:
        """`Secret[str]` says of what kind the value is; all of them are one type of blocks."""
        _ = typevar_values
        return cls

    @field_validator("value", mode="before")
    @classmethod
    def validate_value(cls, value: Any) -> Any:
        """Hide it, if it is not hidden yet."""
        hidden = hasattr(value, "get_secret_value")
        return value if hidden else PydanticSecret[Any](value)

    def get(self) -> Any:
        """The value. A text that is JSON is read as such, as it is written for whoever stores one by hand."""
        import json  # only who looks

        value: Any = self.value.get_secret_value()
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return value
