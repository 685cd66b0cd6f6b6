"""Style, scripts and icons: read once, served with a name that changes with their content."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
BELOW = "/ui/"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Asset(NamedTuple):
    """A file that pages load; `mark` is made from its content."""

    content: bytes
    media_type: str
    mark: str


@cache
def assets() -> dict[str, Asset]:
    """All of them, by name."""
    found: dict[str, Asset] = {}
    for file in sorted(FOLDER.iterdir()):
        content = file.read_bytes()
        mark = blake2b(content, digest_size=6).hexdigest()
        found[file.name] = Asset(content, f"{_TYPES[file.suffix]}; charset=utf-8", mark)
    return found


def address_of(name: str) -> str:
    """Where a file is found. Raises KeyError."""
    return f"{BELOW}{name}?{assets()[name].mark}"
