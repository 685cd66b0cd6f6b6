"""`python -m prefect` is the `prefect` command."""

from __future__ import annotations

from prefect.cli import main

main()
