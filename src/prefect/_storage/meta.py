"""The SQL of what the store remembers about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect._storage.protocol import Queries, Transaction


def read(source: Queries, key: str) -> str | None:
    """The value under a key, or None."""
    row = source.row("SELECT value FROM meta WHERE key = ?", (key,))
    return row[0] if row else None


def write(cx: Transaction, key: str, value: str) -> None:
    """Put a value under a key."""
    cx.execute(
        "INSERT INTO meta (key, value) VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def delete(cx: Transaction, key: str) -> None:
    """Forget a key."""
    cx.execute("DELETE FROM meta WHERE key = ?", (key,))
