"""One text of SQL for both databases: `?` placeholders, spelled as each driver wants them."""

from __future__ import annotations

import re
from functools import lru_cache

# what is quoted or a comment is left alone, but for `%`, which the driver of Postgres wants doubled everywhere
_TOKENS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\?|%", re.DOTALL)


@lru_cache(maxsize=2048)
def for_postgres(sql: str) -> bytes:
    """The statement with `%s` for each `?` that is a placeholder, and every other `%` doubled."""
    return _TOKENS.sub(_spelled, sql).encode()


def _spelled(match: re.Match[str]) -> str:
    found = match[0]
    return "%s" if found == "?" else found.replace("%", "%%")
