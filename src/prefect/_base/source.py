"""The source text of functions and classes, each read once."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

_known: WeakKeyDictionary[Any, str | None] = WeakKeyDictionary()


def source_of(thing: Any) -> str | None:
    """The source text of a function or class; None where there is none, as in an interactive session."""
    try:
        return _known[thing]
    except KeyError:
        source = _known[thing] = _read(thing)
        return source
    except TypeError:  # neither hashable nor weakly referable, as some callables are
        return _read(thing)


def _read(thing: Any) -> str | None:
    import inspect  # 10 ms of import that only hashing by source needs

    try:
        return inspect.getsource(thing)
    except (OSError, TypeError):
        return None
