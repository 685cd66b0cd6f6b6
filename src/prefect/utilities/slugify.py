"""Names as infrastructure takes them, for packages written for Prefect 3."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_OTHERS = r"[^-a-zA-Z0-9]+"


def slugify(
    text: str | bytes,
    *,
    max_length: int = 0,
    separator: str = "-",
    regex_pattern: re.Pattern[str] | str | None = None,
    lowercase: bool = True,
    **others: Any,
) -> str:
    """A text with what a name cannot hold replaced.

    Args:
        text: any.
        max_length: of the outcome; 0 for any.
        separator: stands for what is replaced.
        regex_pattern: what is replaced: all but ASCII letters, digits and dashes unless given.
        lowercase: make it that.
        others: of the package python-slugify; refused.

    Raises:
        TypeError: an option is given that is not known here.
    """
    if others:
        raise TypeError(
            f"slugify() expected max_length, separator, regex_pattern and lowercase, got {sorted(others)}."
        )
    plain = text.decode() if isinstance(text, bytes) else str(text)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    plain = plain.lower() if lowercase else plain
    plain = re.sub("-{2,}", "-", re.sub(regex_pattern or _OTHERS, "-", plain)).strip("-")
    plain = plain[:max_length].strip("-") if max_length else plain
    return plain if separator == "-" else plain.replace("-", separator)
