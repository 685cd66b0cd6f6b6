"""Fields of blocks."""

from __future__ import annotations

from typing import Any

from pydantic import Secret

__all__ = ["SecretDict"]


class SecretDict(Secret[dict[str, Any]]):
    """A dict whose values are hidden where it is shown; `get_secret_value()` gives it."""

    def _display(self) -> str:
        return "**********" if self.get_secret_value() else ""
