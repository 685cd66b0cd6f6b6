"""Pages of lists that are short enough to be counted off from their start."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.server.ui.page import Asked


def offset_of(asked: Asked) -> int:
    """How many rows stand before the page that the query asks for."""
    given = asked.query.get("offset", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0
