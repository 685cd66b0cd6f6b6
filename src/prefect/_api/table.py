"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import admin, audit, csrf, root, tokens, users, variables
from prefect._api.endpoint import TABLE

__all__ = ["TABLE", "admin", "audit", "csrf", "root", "tokens", "users", "variables"]
