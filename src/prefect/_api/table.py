"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import admin, root, variables
from prefect._api.endpoint import TABLE

__all__ = ["TABLE", "admin", "root", "variables"]
