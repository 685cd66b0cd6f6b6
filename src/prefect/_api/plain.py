"""An answer that is no JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Plain(NamedTuple):
    """Text, as an endpoint answers it; over HTTP it is sent as it is.

    Where it is given in parts, they are made and sent one by one: nobody holds the whole.
    """

    content: str | Iterable[str]
    media_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = {}

    @property
    def text(self) -> str:
        """All of it. Of an answer in parts it can be had once."""
        return self.content if isinstance(self.content, str) else "".join(self.content)
