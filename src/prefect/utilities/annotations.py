"""Annotations that change how an argument is treated on its way into a task."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from typing_extensions import Self

from prefect._base.notset import NotSet

__all__ = ["BaseAnnotation", "NotSet", "Quote", "allow_failure", "freeze", "opaque", "quote", "unmapped"]

T = TypeVar("T")


class _Value(NamedTuple):
    value: Any


class BaseAnnotation(_Value, Generic[T]):
    """A one-tuple around a value; the subclass says what to do with it."""

    def unwrap(self) -> T:
        """The value inside."""
        return self.value

    def rewrap(self, value: T) -> Self:
        """The same annotation around another value."""
        return type(self)(value)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and tuple(self) == tuple(other)  # type: ignore[arg-type]

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"


class unmapped(BaseAnnotation[T]):  # noqa: N801 - the public name
    """In `.map`: pass this value as it is to every call. Indexing gives the value, whatever the index."""

    def __getitem__(self, _: object) -> T:  # type: ignore[override]
        return self.unwrap()


class allow_failure(BaseAnnotation[T]):  # noqa: N801 - the public name
    """Run the task even if this upstream failed; the task then receives the exception (behaviour 28)."""


class quote(BaseAnnotation[T]):  # noqa: N801 - the public name
    """Do not look into this value for futures, states or collections (behaviour 21)."""

    def unquote(self) -> T:
        """The value inside."""
        return self.unwrap()


class Quote(quote[T]):
    """The older spelling of `quote`."""


class opaque(BaseAnnotation[T]):  # noqa: N801 - the public name
    """Resolve this value itself, but do not look inside its result (behaviour 29)."""


class freeze(BaseAnnotation[T]):  # noqa: N801 - the public name
    """Treat a parameter value as final: it is stored as it is."""

    def unfreeze(self) -> T:
        """The value inside."""
        return self.unwrap()
