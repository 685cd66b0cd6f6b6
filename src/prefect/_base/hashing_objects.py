"""How values that are not plain are written for `stable_digest`: which parts make them what they are.

A class is named by its module and its qualified name; a function by its source as well, and by what it closes
over. Any other object is written by its attributes, or by what it tells `pickle` of itself (`__reduce_ex__`),
part by part: a pickle's bytes differ from version to version, its parts do not.
"""

from __future__ import annotations

import sys
from functools import cached_property, partial
from types import BuiltinMethodType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from prefect._base.hashing import Encoder
from prefect._base.source import source_of
from prefect.exceptions import HashError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Write = Callable[[Encoder, Any], None]

_type: Callable[[Any], type[Any]] = type
_MAIN = (
    "__mp_main__",
    "__prefect_main__",
)  # other names under which a process knows the script that was started
_BUILTINS = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)


def writer_of(value: Any) -> Write:
    """How to write a value, decided by its type."""
    kind = _type(value)
    if (writer := _KNOWN.get(kind)) is not None:
        return writer
    root = kind.__module__.partition(".")[0]
    if root in ("numpy", "pandas") or "numpy" in sys.modules:
        from prefect._base.hashing_arrays import writer_of_array  # only where such a library is in use

        if (writer := writer_of_array(value)) is not None:
            return writer
    for base, writer in _BY_BASE:
        if issubclass(kind, base):
            return writer
    if hasattr(kind, "__pydantic_fields_set__"):
        return _model
    if hasattr(kind, "__dataclass_fields__"):
        return _attributes
    for base in _BUILTINS:
        if issubclass(kind, base):
            return _builtin_subclass
    return _standard_writer(kind) or _object


def _standard_writer(kind: type[Any]) -> Write | None:
    """Types of the standard library, known by name so that nothing is imported for them."""
    for base in kind.__mro__:
        writer = _BY_NAME.get(f"{base.__module__}.{base.__qualname__}")
        if writer is not None:
            return writer
    return None


def _name(kind: type[Any]) -> tuple[str, str]:
    """What a class is known by, the same in the script that was started and where it is imported again."""
    module = kind.__module__
    return ("__main__" if module in _MAIN else module), kind.__qualname__


def _class_of(value: Any) -> tuple[str, str]:
    kind = _type(value)
    return _name(kind)


def _class(encoder: Encoder, value: type[Any]) -> None:
    encoder.tag("class", *_name(value))
    if "<locals>" in value.__qualname__:  # several may bear this name
        encoder.write(source_of(value))


def _singleton(encoder: Encoder, value: Any) -> None:
    encoder.tag("singleton", repr(value))


def _module(encoder: Encoder, value: ModuleType) -> None:
    encoder.tag("module", value.__name__)


def _function(encoder: Encoder, value: FunctionType) -> None:
    module = "__main__" if value.__module__ in _MAIN else value.__module__
    encoder.tag("function", str(module), value.__qualname__)
    source = source_of(value)
    if source is None or source.count("lambda") > 1:  # several lambdas may stand on the lines of this one
        encoder.part(".__code__", value.__code__)
    encoder.write(source)
    encoder.part(".__defaults__", value.__defaults__)
    encoder.part(".__kwdefaults__", value.__kwdefaults__)
    closed_over = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
    encoder.named({name: _cell(cell) for name, cell in closed_over}, ".<%s>")


def _cell(cell: Any) -> Any:
    try:
        content = cell.cell_contents
    except ValueError:  # not yet bound
        return None
    return content if not isinstance(content, FunctionType) else _Function(content)


class _Function:
    """A function that another closes over: it may well be that other one itself."""

    __slots__ = ("function",)

    def __init__(self, function: FunctionType) -> None:
        self.function = function


def _closed_over_function(encoder: Encoder, value: _Function) -> None:
    if id(value.function) in encoder.open:
        encoder.tag("recursion", value.function.__qualname__)
    else:
        encoder.write(value.function)


def _code(encoder: Encoder, value: Any) -> None:
    encoder.tag("code", value.co_name)
    encoder.write((value.co_code, value.co_names, value.co_varnames, value.co_consts))


def _builtin_function(encoder: Encoder, value: Any) -> None:
    owner = value.__self__
    encoder.tag("builtin", str(value.__module__), value.__qualname__)
    encoder.write(None if isinstance(owner, ModuleType) else owner)


def _method(encoder: Encoder, value: MethodType) -> None:
    encoder.tag("method")
    encoder.write(value.__func__)
    encoder.part(".__self__", value.__self__)


def _partial(encoder: Encoder, value: partial[Any]) -> None:
    encoder.tag("partial", *_class_of(value))
    encoder.part(".func", value.func)
    encoder.part(".args", value.args)
    encoder.part(".keywords", value.keywords)


def _mapping_proxy(encoder: Encoder, value: Any) -> None:
    encoder.tag("mappingproxy")
    encoder.write(dict(value))


def _range(encoder: Encoder, value: Any) -> None:
    encoder.tag(type(value).__name__)
    encoder.write((value.start, value.stop, value.step))


def _bytearray(encoder: Encoder, value: bytearray) -> None:
    encoder.tag("bytearray")
    encoder.buffer(value)


def _memoryview(encoder: Encoder, value: memoryview) -> None:
    encoder.tag("memoryview", value.format, repr(value.shape))
    encoder.buffer(value if value.c_contiguous else value.tobytes())


def _text(encoder: Encoder, value: Any) -> None:
    """Decimal, Fraction, UUID, date: their text is exact."""
    encoder.tag(*_class_of(value), str(value))


def _path(encoder: Encoder, value: Any) -> None:
    """The module of the path classes moved in Python 3.13, so their kind is told by the separator."""
    encoder.tag("path", value.__class__.__name__, str(value))


def _timedelta(encoder: Encoder, value: Any) -> None:
    encoder.tag(*_class_of(value))
    encoder.write((value.days, value.seconds, value.microseconds))


def _moment(encoder: Encoder, value: Any) -> None:
    """A datetime or time: what the clock shows, and the zone by all that names it."""
    zone = value.tzinfo
    encoder.tag(*_class_of(value), value.isoformat(), str(value.tzname()))
    encoder.write((value.fold, str(getattr(zone, "key", None) or getattr(zone, "zone", None))))


def _enum(encoder: Encoder, value: Any) -> None:
    """A member by its name; a combination of flags, which has none, by its value."""
    encoder.tag("enum", *_class_of(value))
    encoder.write(value.name if value.name in _type(value).__members__ else value.value)


def _pattern(encoder: Encoder, value: Any) -> None:
    encoder.tag("pattern")
    encoder.write((value.pattern, value.flags))


def _deque(encoder: Encoder, value: Any) -> None:
    encoder.tag("deque", *_class_of(value))
    encoder.write(value.maxlen)
    encoder.write(list(value))


def _array(encoder: Encoder, value: Any) -> None:
    encoder.tag("array", value.typecode)
    encoder.write(value.tolist())


def _builtin_subclass(encoder: Encoder, value: Any) -> None:
    """An instance of a subclass of a built-in: its class, the plain value, and its attributes."""
    kind = _type(value)
    base: Any = next(base for base in _BUILTINS if issubclass(kind, base))
    module, name = _class_of(value)
    encoder.tag("sub", module, name)
    if (module, name) == ("collections", "OrderedDict"):
        encoder.write(list(value.items()))  # here the order is part of the value
        return
    encoder.write(base(value) if base in (list, dict, set) else base.__new__(base, value))
    if (module, name) == ("collections", "defaultdict"):
        encoder.part(".default_factory", value.default_factory)
    encoder.named(_state_of(value), ".%s")


def _model(encoder: Encoder, value: Any) -> None:
    """A pydantic model: its fields, its extra fields and its private attributes."""
    encoder.tag("model", *_class_of(value))
    encoder.named(_without_cached(value, value.__dict__), ".%s")
    encoder.named(value.__pydantic_extra__ or {}, ".%s")
    encoder.named(value.__pydantic_private__ or {}, ".%s")


def _attributes(encoder: Encoder, value: Any) -> None:
    """A dataclass, or any object without a say of its own: its class and all its attributes."""
    encoder.tag("object", *_class_of(value))
    encoder.named(_state_of(value), ".%s")


def _object(encoder: Encoder, value: Any) -> None:
    """Any other object, by its attributes, or by what it tells pickle to keep."""
    kind = _type(value)
    reduces = kind.__reduce_ex__ is not object.__reduce_ex__ or kind.__reduce__ is not object.__reduce__
    has_state = getattr(kind, "__getstate__", None) is not getattr(object, "__getstate__", None)
    if not reduces and not has_state and (hasattr(value, "__dict__") or _slots_of(kind)):
        _attributes(encoder, value)
        return
    try:
        reduced = None if kind is object else value.__reduce_ex__(4)  # a bare object() is nothing but itself
    except Exception:
        reduced = None
    if reduced is None:
        raise HashError(f"expected a value that can be hashed, got {'.'.join(_class_of(value))}")
    encoder.tag("reduced", *_class_of(value))
    if isinstance(reduced, str):
        encoder.write(reduced)
        return
    make, args, state, items, pairs = (*cast("tuple[Any, ...]", reduced), None, None, None)[:5]
    encoder.tag(
        "by",
        str(getattr(make, "__module__", "")),
        str(getattr(make, "__qualname__", type(make).__qualname__)),
    )
    encoder.write(args)
    if isinstance(state, dict) and all(type(name) is str for name in cast("dict[Any, Any]", state)):
        encoder.named(cast("dict[str, Any]", state), ".%s")
    else:
        encoder.write(state)
    encoder.write(None if items is None else list(items))
    encoder.write(None if pairs is None else dict(pairs))


def _state_of(value: Any) -> Mapping[str, Any]:
    """All attributes of an object that has no `__getstate__` of its own, cached properties left out."""
    state: dict[str, Any] = dict(getattr(value, "__dict__", ()))
    kind = _type(value)
    for name in _slots_of(kind):
        if name not in ("__dict__", "__weakref__") and hasattr(value, name):
            state[name] = getattr(value, name)
    return _without_cached(value, state)


def _slots_of(kind: type[Any]) -> list[str]:
    names: list[str] = []
    for base in kind.__mro__:
        slots: Any = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            names.append(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return names


def _without_cached(value: Any, state: dict[str, Any]) -> dict[str, Any]:
    """A cached property says nothing that the other attributes do not."""
    kind = _type(value)
    return {
        name: part
        for name, part in state.items()
        if not isinstance(getattr(kind, name, None), cached_property)
    }


_KNOWN: dict[type, Write] = {
    FunctionType: _function,
    BuiltinMethodType: _builtin_function,
    MethodType: _method,
    type((lambda: None).__code__): _code,
    type(...): _singleton,
    type(NotImplemented): _singleton,
    range: _range,
    slice: _range,
    bytearray: _bytearray,
    memoryview: _memoryview,
    MappingProxyType: _mapping_proxy,
    _Function: _closed_over_function,
}
_BY_BASE: tuple[tuple[type, Write], ...] = ((type, _class), (ModuleType, _module), (partial, _partial))
_BY_NAME: dict[str, Write] = {
    "decimal.Decimal": _text,
    "fractions.Fraction": _text,
    "uuid.UUID": _text,
    "pathlib.PurePath": _path,
    "pathlib._local.PurePath": _path,
    "datetime.datetime": _moment,
    "datetime.date": _text,
    "datetime.time": _moment,
    "datetime.timedelta": _timedelta,
    "enum.Enum": _enum,
    "re.Pattern": _pattern,
    "collections.deque": _deque,
    "array.array": _array,
}
