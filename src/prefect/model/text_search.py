"""The words of a text search: `error "no such file" -debug +flow`.

One of the plain words must be there, every word after `+`, and none after `-` or `!`. A phrase in double quotes is
one word; capitals do not matter.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_WORD = re.compile(r'([-!+]?)(?:"([^"]*)"?|(\S+))')


class Words(NamedTuple):
    """What is looked for, in small letters."""

    any_of: tuple[str, ...]
    all_of: tuple[str, ...]
    none_of: tuple[str, ...]

    def are_in(self, text: str) -> bool:
        """Whether a text meets the search."""
        text = text.lower()
        return (
            (not self.any_of or any(word in text for word in self.any_of))
            and all(word in text for word in self.all_of)
            and not any(word in text for word in self.none_of)
        )


def words_of(query: str) -> Words:
    """The words of a query."""
    found: dict[str, list[str]] = {"": [], "+": [], "-": []}
    for sign, phrase, word in _WORD.findall(query):
        text = (phrase or word).lower()
        if text:
            found["-" if sign == "!" else sign].append(text)
    return Words(tuple(found[""]), tuple(found["+"]), tuple(found["-"]))
