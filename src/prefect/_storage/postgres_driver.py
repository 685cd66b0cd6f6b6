"""psycopg, or what to do where it is missing."""

from __future__ import annotations

from prefect.exceptions import ConfigurationError

try:
    import psycopg
    from psycopg import pq
except ImportError as exc:
    raise ConfigurationError(
        "A Postgres store needs the package psycopg, which cannot be imported here "
        f'({exc}). Run: pip install "pluperfect[postgres]"'
    ) from exc

__all__ = ["pq", "psycopg"]
