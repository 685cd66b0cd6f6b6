"""The CSRF token of a client, fetched when a server asks for it: one that does not is not bothered."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

if TYPE_CHECKING:
    import httpx

FORBIDDEN = 403


class Csrf:
    """What a client keeps of it.

    Args:
        enabled: whether tokens are sent at all.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._client = str(uuid4())
        self._token: str | None = None

    @property
    def path(self) -> str:
        """Where a token is had (GET)."""
        return f"/csrf-token?client={quote(self._client)}"

    def headers(self) -> dict[str, str]:
        """What a request carries that changes something."""
        return {"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._client} if self._token else {}

    def is_asked_for(self, response: httpx.Response) -> bool:
        """Whether a request was refused for want of a token, or of a younger one."""
        return self._enabled and response.status_code == FORBIDDEN and "csrf" in response.text.lower()

    def take(self, response: httpx.Response) -> bool:
        """Keep the token in the answer of `path`; False where there is none."""
        self._token = response.json()["token"] if response.is_success else None
        return self._token is not None
