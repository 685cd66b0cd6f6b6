"""What a stream's terminal can show."""

from __future__ import annotations

import os
from typing import Any


def is_terminal(stream: Any) -> bool:
    """Whether somebody watches this stream on a terminal that understands escape sequences."""
    try:
        watched = stream.isatty()
    except (AttributeError, ValueError):  # no real file, or a closed one
        return False
    return watched and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


def wants_colors(stream: Any) -> bool:
    """Whether to write colours to this stream (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def can_encode(stream: Any, text: str) -> bool:
    """Whether the stream's encoding has these characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except (AttributeError, LookupError, UnicodeEncodeError):
        return False
    return True
