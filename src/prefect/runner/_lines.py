"""Lines out of what a process writes, piece by piece."""

from __future__ import annotations

LONGEST = 65_536  # bytes of a line; a longer one becomes several


class Lines:
    """Collects bytes, and gives the lines that they complete, as text without their ends."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete with `data`."""
        *whole, begun = (self._begun + data).split(b"\n")
        cut = len(begun) // LONGEST * LONGEST
        self._begun = begun[cut:]
        return [_text(piece) for line in whole for piece in _pieces(line) or [b""]] + [
            _text(piece) for piece in _pieces(begun[:cut])
        ]

    def rest(self) -> list[str]:
        """The last line, if it has begun and did not end."""
        begun, self._begun = self._begun, b""
        return [_text(begun)] if begun else []


def _pieces(line: bytes) -> list[bytes]:
    return [line[start : start + LONGEST] for start in range(0, len(line), LONGEST)]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")
