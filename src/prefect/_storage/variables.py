"""Variables: named JSON values."""

from __future__ import annotations

from typing import Any, NamedTuple

from prefect._storage.table import Table


class VariableRecord(NamedTuple):
    """A variable."""

    id: bytes
    name: str
    value: Any
    tags: list[str]
    created: int
    updated: int


VARIABLES = Table("variable", VariableRecord, json=("value", "tags"))
