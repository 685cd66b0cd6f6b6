"""Which files a .gitignore (or .prefectignore) leaves out: its usual patterns, `!` and `**` among them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool


class IgnoreRules:
    """The rules of one ignore file; the last one that fits decides."""

    def __init__(self, lines: list[str]) -> None:
        self._rules = [_rule(line) for line in lines if line and not line.startswith("#")]

    @classmethod
    def of_file(cls, path: str | None) -> IgnoreRules:
        """The rules of a file; none without one."""
        lines = Path(path).read_text(encoding="utf-8").splitlines() if path else []
        return cls([line.rstrip() for line in lines])

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether a path, relative to the folder of the rules and with forward slashes, is left out."""
        ignored = False
        for rule in self._rules:
            if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(path):
                ignored = not rule.negated
        return ignored

    def for_copytree(self, root: str) -> Callable[[str, list[str]], set[str]]:
        """What `shutil.copytree` takes as `ignore`."""

        def ignored(folder: str, names: list[str]) -> set[str]:
            inside = [(name, Path(folder, name)) for name in names]
            return {
                name
                for name, path in inside
                if self.ignores(path.relative_to(root).as_posix(), is_folder=path.is_dir())
            }

        return ignored


def _rule(line: str) -> _Rule:
    negated = line.startswith("!")
    text = line[negated:]
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    anchored = "/" in text
    text = text.lstrip("/")
    parts = re.split(r"(\*\*/|/\*\*$|\*|\?|\[[^]]+\])", text)
    translated = "".join(
        _TOKENS.get(part, part if part.startswith("[") else re.escape(part)) for part in parts
    )
    return _Rule(re.compile(translated if anchored else f"(?:.*/)?{translated}"), negated, folders_only)


_TOKENS = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
