"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import variables
from prefect._api.endpoint import TABLE

__all__ = ["TABLE", "variables"]
