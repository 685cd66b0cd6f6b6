"""The one hash of the house: cache keys, and what a resumed run recognises a call by.

A value is written as bytes that say its type and its content without ambiguity, and those are hashed with
BLAKE2b (RFC 7693). The bytes depend neither on the process, nor on PYTHONHASHSEED, nor on the Python version.
`1`, `True` and `1.0` differ, so do `0.0` and `-0.0`; dicts and sets are the same in any order. What cannot be
written so is refused by name: a wrong key would be a wrong cache hit, which is worse than none.

Nothing is imported for a type that the program does not use: numpy, pandas and the like are known by what is
already in `sys.modules`.
"""

from __future__ import annotations

import marshal
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from prefect.exceptions import HashError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Substitute = Callable[[str, Any], Any]
    Write = Callable[["Encoder", Any], None]

# What `marshal` writes in C, the same on every version; containers of nothing else take this short way.
# Version 2 of its format neither interns nor shares, so that equal values have equal bytes. The long way
# starts its values with letters that are not among marshal's.
_PLAIN: frozenset[type] = frozenset((type(None), bool, int, float, complex, str, bytes))
_TEXT: frozenset[type] = frozenset((str,))
_MARSHAL = 2
_LARGE = 65_536
_dumps = marshal.dumps
_type: Callable[[Any], type[Any]] = type
_is_plain = _PLAIN.issuperset
_is_text = _TEXT.issuperset


class UnhashableError(HashError):
    """A part of a value cannot be hashed. `path` leads to it, `reason` says what is wrong with it."""

    def __init__(self, path: tuple[str, ...], reason: str) -> None:
        super().__init__(f"{''.join(path) or 'the value'}: {reason}")
        self.path = path
        self.reason = reason


def stable_digest(*objects: Any, on_unhashable: Substitute | None = None) -> bytes:
    """The digest of the objects, 16 bytes. About 2 µs for small plain values, memory speed for large arrays.

    Args:
        objects: what to hash; several are not the same as one tuple of them.
        on_unhashable: called for each part that cannot be hashed, with its path (`['conn'].socket`) and the
            part; what it returns is hashed in its place.

    Raises:
        HashError: a part cannot be hashed, contains itself, or is nested too deeply; the message names it.
    """
    if len(objects) == 1:
        data = _short(objects[0])
        if data is not None:
            return blake2b(data, digest_size=16).digest()
    encoder = Encoder(on_unhashable)
    try:
        if len(objects) == 1:
            encoder.write(objects[0])
        else:
            encoder.out.append(b"*")
            encoder.items(objects)
    except RecursionError:
        raise UnhashableError((*encoder.path[:3], "…"), "expected a value of less depth") from None
    return blake2b(b"".join(encoder.out), digest_size=16).digest()


def _short(value: Any) -> bytes | None:
    """The bytes of a plain value, or of a container of nothing else; None for all others."""
    kind = _type(value)
    if kind in _PLAIN:
        return _dumps(value, _MARSHAL)
    if kind is tuple or kind is list:
        return _dumps(value, _MARSHAL) if _is_plain(map(type, value)) else None
    if kind is dict and _is_text(map(type, value)) and _is_plain(map(type, value.values())):
        return b"{" + _dumps(sorted(value.items()), _MARSHAL)
    return None


class Encoder:
    """Writes values as bytes, one after the other, into `out`.

    Everything written says what it is and where it ends: two different values never give the same bytes.
    `path` leads to the part that is being written, `open` holds the ids of the values around it.
    """

    __slots__ = ("_substitute", "open", "out", "path")

    def __init__(self, on_unhashable: Substitute | None = None) -> None:
        self.out: list[bytes] = []
        self.path: list[str] = []
        self.open: set[int] = set()
        self._substitute = on_unhashable

    def write(self, value: Any) -> None:
        """Write one value."""
        data = _short(value)
        if data is not None:
            self.out.append(data if len(data) <= _LARGE else b"#" + blake2b(data, digest_size=32).digest())
            return
        writer = _WRITERS.get(_type(value))
        if writer is None:
            from prefect._base.hashing_objects import writer_of  # plain values, as most are, never need it

            writer = writer_of(value)
        self.within(writer, value)

    def within(self, writer: Write, value: Any) -> None:
        """Write a value that may hold others, and refuse one that holds itself."""
        key = id(value)
        if key in self.open:
            self.refuse(
                value, f"expected a value without cycles, got a {type(value).__name__} that holds itself"
            )
            return
        self.open.add(key)
        depth = len(self.path)
        try:
            writer(self, value)
        except UnhashableError:
            raise
        except HashError as exc:  # from a writer, which knows neither path nor substitute
            del self.path[depth:]
            self.refuse(value, str(exc))
        finally:
            self.open.discard(key)

    def refuse(self, value: Any, reason: str) -> None:
        """The value cannot be written: write its substitute, or fail.

        Raises:
            UnhashableError: there is no substitute.
        """
        if self._substitute is None:
            raise UnhashableError(tuple(self.path), reason)
        self.write(self._substitute("".join(self.path), value))

    def tag(self, *texts: str) -> None:
        """Begin a value that is not plain: what it is."""
        self.out.append(b"O" + _dumps(texts, _MARSHAL))

    def buffer(self, data: Any) -> None:
        """Write the bytes of something that has a flat buffer; many of them as a digest, without a copy."""
        size = memoryview(data).nbytes
        self.out.append(b"%d:" % size)
        self.out.append(blake2b(data, digest_size=32).digest() if size > _LARGE else bytes(data))

    def part(self, name: str, value: Any) -> None:
        """Write a part of the value; `name` is its place in the path."""
        self.path.append(name)
        self.write(value)
        self.path.pop()

    def items(self, values: Iterable[Any]) -> None:
        """Write how many there are, and each."""
        values = values if isinstance(values, (list, tuple)) else list(values)
        self.out.append(b"%d;" % len(values))
        self.path.append("")
        for index, value in enumerate(values):
            self.path[-1] = f"[{index}]"
            self.write(value)
        self.path.pop()

    def named(self, parts: Mapping[str, Any], place: str) -> None:
        """Write named parts in the order of their names; `place` shows a name in a path: `[%r]` or `.%s`."""
        names = sorted(parts)
        self.write(names)
        self.path.append("")
        for name in names:
            self.path[-1] = place % (name,)
            self.write(parts[name])
        self.path.pop()

    def apart(self, value: Any) -> bytes:
        """The bytes of a value, not yet in `out`: for what has no order of its own."""
        before, self.out = self.out, []
        try:
            self.write(value)
            return b"".join(self.out)
        finally:
            self.out = before


def _list(encoder: Encoder, value: Any) -> None:
    encoder.out.append(b"L")
    encoder.items(value)


def _tuple(encoder: Encoder, value: Any) -> None:
    encoder.out.append(b"P")
    encoder.items(value)


def _dict(encoder: Encoder, value: dict[Any, Any]) -> None:
    if _is_text(map(type, value)):
        encoder.out.append(b"D")
        encoder.named(value, "[%r]")
        return
    encoder.out.append(b"E")
    entries: list[tuple[bytes, str, Any]] = []
    for key, item in value.items():
        place = f"[{key!r}]"
        encoder.path.append(place)
        entries.append((encoder.apart(key), place, item))
        encoder.path.pop()
    entries.sort(key=_first)
    encoder.out.append(b"%d;" % len(entries))
    for written, place, item in entries:
        encoder.out.append(written)
        encoder.part(place, item)


def _set(encoder: Encoder, value: set[Any] | frozenset[Any]) -> None:
    encoder.out.append(b">" if isinstance(value, set) else b"=")
    encoder.path.append("{…}")
    written = sorted([encoder.apart(item) for item in value])
    encoder.path.pop()
    encoder.out.append(b"%d;" % len(written))
    encoder.out.extend(written)


def _first(entry: tuple[bytes, str, Any]) -> bytes:
    return entry[0]


_WRITERS: dict[type, Write] = {list: _list, tuple: _tuple, dict: _dict, set: _set, frozenset: _set}
