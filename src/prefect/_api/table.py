"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import events, logs, variables
from prefect._api.endpoint import TABLE

__all__ = ["TABLE", "events", "logs", "variables"]
