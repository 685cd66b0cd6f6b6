"""Where a stored result is, and how to read it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from pydantic import Field

from prefect._version import __version__
from prefect.model.base import DateTime, PrefectBaseModel


class ResultRecordMetadata(PrefectBaseModel):
    """Where a stored result is, and how to read it."""

    storage_key: str | None = None
    expiration: DateTime | None = None
    serializer: Any = None
    prefect_version: str = Field(default=__version__)
    storage_block_id: UUID | None = None


def data_discriminator(x: Any) -> str:
    """Which type the `data` of a state is: "ResultRecordMetadata" for it and its JSON form, else "Any"."""
    if isinstance(x, ResultRecordMetadata):
        return "ResultRecordMetadata"
    if isinstance(x, dict) and "storage_key" in cast("dict[str, Any]", x):
        return "ResultRecordMetadata"
    return "Any"
