"""What travels to and from Postgres, and how: such that a statement means the same there as in SQLite."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from psycopg.adapt import AdaptersMap
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper, NumericBinaryLoader, NumericLoader
from psycopg.types.string import StrBinaryDumper, StrDumper

from prefect._storage.postgres_driver import psycopg

if TYPE_CHECKING:
    from decimal import Decimal


class _Text(StrDumper):
    """Text says that it is text (what may be of any type makes a statement ambiguous), and holds no NUL."""

    def dump(self, obj: str) -> Any:
        return super().dump(_storable(obj))


class _BinaryText(StrBinaryDumper):
    """The same, as most statements send it."""

    def dump(self, obj: str) -> Any:
        return super().dump(_storable(obj))


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


class _Flag(Int8Dumper):
    """Booleans are 0 and 1."""

    def dump(self, obj: Any) -> Any:
        return super().dump(int(obj))


class _Sum(NumericLoader):
    """The sum of a column of integers is an integer."""

    def load(self, data: Any) -> Any:
        return _plain(super().load(data))


class _BinarySum(NumericBinaryLoader):
    """The same, as most statements receive it."""

    def load(self, data: Any) -> Any:
        return _plain(super().load(data))


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


@lru_cache(maxsize=1)
def adapters() -> AdaptersMap:
    """The types of every connection. There is one for all integers, so that a statement is prepared once."""
    made = AdaptersMap(psycopg.adapters)
    for kind, dumper in (
        (str, _Text),
        (str, _BinaryText),
        (int, Int8Dumper),
        (int, Int8BinaryDumper),
        (bool, _Flag),
    ):
        made.register_dumper(kind, dumper)
    for loader in (_Sum, _BinarySum):
        made.register_loader("numeric", loader)
    return made
