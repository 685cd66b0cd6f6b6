"""The SQL of results by cache key, for those who set the states of task runs through the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Transaction


def write(cx: Transaction, cache_key: str, task_run_id: bytes, expiration: int | None) -> None:
    """From now on, this run's is the result under the key."""
    cx.execute(
        "INSERT INTO task_run_cache (cache_key, task_run_id, expiration) VALUES (?,?,?) "
        "ON CONFLICT (cache_key) DO UPDATE SET task_run_id = excluded.task_run_id, expiration = excluded.expiration",
        (cache_key, task_run_id, expiration),
    )


def read(source: Queries, cache_key: str) -> bytes | None:
    """The run whose result is under the key, whether or not it has expired."""
    row = source.row("SELECT task_run_id FROM task_run_cache WHERE cache_key = ?", (cache_key,))
    return row[0] if row else None
