"""Logging of runs; see `prefect.logging.loggers`, `.handlers`, `.formatters` and `.configuration`."""

from __future__ import annotations

from prefect.logging.loggers import LogEavesdropper, disable_run_logger, get_logger, get_run_logger

__all__ = ["LogEavesdropper", "disable_run_logger", "get_logger", "get_run_logger"]
