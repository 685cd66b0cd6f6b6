"""The whole table: importing this module declares every endpoint."""

from __future__ import annotations

from prefect._api import (
    admin,
    audit,
    csrf,
    flow_run_graph,
    flow_run_inputs,
    flow_run_lists,
    flow_run_logs,
    flow_run_states,
    flow_runs,
    flows,
    root,
    tokens,
    ui_flows,
    users,
    variables,
)
from prefect._api.endpoint import TABLE

__all__ = [
    "TABLE",
    "admin",
    "audit",
    "csrf",
    "flow_run_graph",
    "flow_run_inputs",
    "flow_run_lists",
    "flow_run_logs",
    "flow_run_states",
    "flow_runs",
    "flows",
    "root",
    "tokens",
    "ui_flows",
    "users",
    "variables",
]
