"""An answer that is no JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Plain(NamedTuple):
    """Text, as an endpoint answers it; over HTTP it is sent as it is."""

    text: str
    media_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = {}
