"""What flows and tasks have in common as wrapped functions: methods, kinds, names, source files."""

# What users hand in is Any, and narrowing Any makes it partially unknown: that is the nature of this room.
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownLambdaType=false

from __future__ import annotations

import functools
import hashlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from typing_extensions import ParamSpec, Self

from prefect import _options
from prefect._base.binding import Binder

if TYPE_CHECKING:
    from collections.abc import Callable

H = TypeVar("H", bound="Callable[..., Any]")
P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class WrappedFunction(Generic[P, R_co]):
    """A function, method, class method or static method that runs as a flow or a task (behaviour 9).

    `_options_type` lists the options that it is made with, `_hooks` those of them that are hooks.
    """

    _options_type: ClassVar[type[Any]]
    _hooks: ClassVar[tuple[str, ...]]
    _given: dict[str, Any]
    on_completion_hooks: list[Callable[..., Any]]
    on_failure_hooks: list[Callable[..., Any]]
    on_running_hooks: list[Callable[..., Any]]
    fn: Callable[P, R_co]
    name: str
    description: str | None
    binder: Binder
    isasync: bool
    isgenerator: bool
    _is_method = _is_classmethod = _is_staticmethod = False

    def _wrap(self, fn: Any) -> None:
        """Take the function in, whatever it is wrapped in. Raises TypeError for what cannot be called."""
        if isinstance(fn, classmethod):
            self._is_classmethod, fn = True, fn.__func__
        elif isinstance(fn, staticmethod):
            self._is_staticmethod, fn = True, fn.__func__
        if not callable(fn):
            raise TypeError("'fn' must be callable")
        self._wrapped = self.fn = cast("Any", fn)
        inner = fn if inspect.isroutine(fn) or inspect.isclass(fn) else getattr(fn, "func", type(fn).__call__)
        functools.update_wrapper(self, fn, updated=())  # type: ignore[arg-type]
        self.isasync = inspect.iscoroutinefunction(inner) or inspect.isasyncgenfunction(inner)
        self.isgenerator = inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)
        self.binder = Binder(fn)

    @property
    def ismethod(self) -> bool:
        """Whether it is a method bound to an instance."""
        return self._is_method

    @property
    def isclassmethod(self) -> bool:
        """Whether it is a class method."""
        return self._is_classmethod

    @property
    def isstaticmethod(self) -> bool:
        """Whether it is a static method."""
        return self._is_staticmethod

    def __get__(self, instance: Any, owner: type | None = None) -> Self:
        if self._is_staticmethod:
            return self
        if self._is_classmethod:
            return self._bound_to(owner if owner is not None else type(instance))
        if instance is None:
            return self
        bound = self._bound_to(instance)
        bound._is_method = True
        return bound

    def _bound_to(self, target: Any) -> Self:
        """A copy whose function is bound to an instance or a class."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound.fn = self._wrapped.__get__(target, target if isinstance(target, type) else type(target))
        bound.binder = _binder_of_method(self._wrapped, bound.fn)
        return bound

    def _take_hooks(self, kind: str, chosen: dict[str, Any]) -> None:
        """Take the hooks out of the options; `kind` (`flow` or `task`) is for error texts."""
        for hook in self._hooks:
            setattr(self, f"{hook}_hooks", _options.hooks(kind, hook, chosen.pop(hook)))

    def _with_options(self, given: dict[str, Any]) -> Self:
        """A copy with some options changed, bound to what this one is bound to (behaviour 8)."""
        _options.check_names(self._options_type, given, "with_options")
        made = type(self)(self._wrapped, **_options.overridden(self._given, given))  # type: ignore[call-arg]
        for hook in self._hooks:
            if given.get(hook) is None:
                setattr(made, f"{hook}_hooks", list(getattr(self, f"{hook}_hooks")))
        for name in ("fn", "binder", "_is_method", "_is_classmethod", "_is_staticmethod"):
            setattr(made, name, getattr(self, name))
        return made

    def on_completion(self, fn: H) -> H:
        """Add a hook for runs that complete; usable as a decorator."""
        self.on_completion_hooks.append(fn)
        return fn

    def on_failure(self, fn: H) -> H:
        """Add a hook for runs that fail for good; usable as a decorator."""
        self.on_failure_hooks.append(fn)
        return fn

    def on_running(self, fn: H) -> H:
        """Add a hook for runs that start, or start again; usable as a decorator."""
        self.on_running_hooks.append(fn)
        return fn


@functools.lru_cache(maxsize=4096)
def _signature_holder(fn: Any) -> list[Binder]:
    _ = fn
    return []


def _binder_of_method(function: Any, bound: Any) -> Binder:
    """The binder of a bound method, made once a function: every attribute access binds anew."""
    known = _signature_holder(function)
    if not known:
        known.append(Binder(bound))
    return known[0]


def default_name(fn: Any) -> str:
    """The function's name; a callable object is called like its class."""
    return getattr(fn, "__name__", None) or type(fn).__name__


def source_hash(fn: Any) -> str | None:
    """A hash of the file that defines the function, as a version; None where there is no file (behaviour 4)."""
    path = source_file(fn)
    if path is None:
        return None
    try:
        return hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest()
    except OSError:
        return None


def source_file(fn: Any) -> str | None:
    """The file that defines the function."""
    code = getattr(inspect.unwrap(fn), "__code__", None)
    name = getattr(code, "co_filename", None)
    return name if name and Path(name).is_file() else None


def require_saved(storage: Any) -> None:
    """Raise TypeError for a storage block that another process could not load (behaviour 59)."""
    if hasattr(storage, "_block_document_id") and storage._block_document_id is None:
        raise TypeError(
            "Result storage configuration must be persisted server-side. Please call `.save()` on your block before "
            "passing it in."
        )
