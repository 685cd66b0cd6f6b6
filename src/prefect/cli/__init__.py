"""The `prefect` command. `_app` lists the commands; each lives in a module that only its own use imports."""

from __future__ import annotations

from prefect.cli._app import main

__all__ = ["main"]
