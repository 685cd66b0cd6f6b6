"""What a row of the settings table consists of, foremost its kind: what the value may be.

A kind turns what a source holds (text, or a TOML value) into a value.
"""

from __future__ import annotations

import math
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind:
    """A type of settings: how to say it ("expected …"), and how to read it.

    `parse` raises ValueError or TypeError for what it cannot read.
    """

    __slots__ = ("expects", "parse")

    def __init__(self, expects: str, parse: Callable[[Any], Any]) -> None:
        self.expects = expects
        self.parse = parse


class Spec:
    """A setting: where it lives, what it may be, what it is by default, and what it does.

    `path` is both the attribute path of `get_current_settings()` and the key in TOML files; `env` is its
    environment variable and its key in a profile; `alias` is a second such name, from older releases of the
    API. A text default may use `$PREFECT_HOME`.
    """

    # no dataclass and no NamedTuple: either generates its class with exec, at 0.4 ms of every start
    __slots__ = ("about", "alias", "default", "env", "kind", "path", "secret")

    def __init__(  # noqa: PLR0917 - the columns of the table, in its order
        self, path: str, kind: Kind, default: Any, about: str, alias: str | None = None, secret: bool = False
    ) -> None:
        self.path = path
        self.env = "PREFECT_" + path.upper().replace(".", "_")
        self.kind = kind
        self.default = default
        self.about = about
        self.alias = alias
        self.secret = secret


class Secret(str):
    """A text that hides in reprs, so that it does not reach logs and tracebacks by way of a container.

    It is the secret itself in every other use; `get_secret_value()` is the call that Prefect's API has.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    def get_secret_value(self) -> str:
        """The secret as a plain string."""
        return str.__str__(self)


_YES = frozenset({"1", "true", "t", "yes", "y", "on"})
_NO = frozenset({"0", "false", "f", "no", "n", "off"})
_NOTHING = frozenset({"", "none", "null"})


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _YES and text not in _NO:
        raise ValueError(value)
    return text in _YES


def _int(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(value)
    try:
        return int(value) if isinstance(value, (int, str)) else _whole(value)
    except ValueError:
        return _whole(value)


def _whole(value: Any) -> int:
    number = float(value)
    if not number.is_integer():
        raise ValueError(value)
    return int(number)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    number = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if math.isnan(number):
        raise ValueError(value)
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _path(value: Any) -> Path:
    if not value:
        raise ValueError(value)
    return Path(os.path.expanduser(value))  # noqa: PTH111 - Path.expanduser fails where HOME is unknown


def _items(value: Any) -> list[Any]:
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            return _json(value, list)
        return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(cast("list[Any]", value))
    return [value]


def _json(value: Any, wanted: type) -> Any:
    if isinstance(value, str):
        import json  # 3 ms of import for the rare settings that hold JSON

        value = json.loads(value)
    if not isinstance(value, wanted):
        raise TypeError(value)
    return value


def _headers(value: Any) -> dict[str, str]:
    headers = cast("dict[str, Any]", _json(value, dict))
    return {_text(name): _text(content) for name, content in headers.items()}


def _duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and ":" in value:
        hours, minutes, seconds = value.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes), seconds=float(seconds))
    return timedelta(seconds=_float(value))


def _at_least(parse: Callable[[Any], Any], minimum: float, maximum: float = math.inf) -> Callable[[Any], Any]:
    def bounded(value: Any) -> Any:
        number = parse(value)
        if not minimum <= number <= maximum:
            raise ValueError(value)
        return number

    return bounded


def integer(minimum: int, maximum: float = math.inf) -> Kind:
    """A whole number within bounds (inclusive)."""
    bounds = f"of at least {minimum}" if maximum == math.inf else f"from {minimum} to {maximum:g}"
    return Kind(f"a whole number {bounds}", _at_least(_int, minimum, maximum))


def seconds(minimum: float) -> Kind:
    """A number of seconds, at least `minimum`."""
    return Kind(f"a number of seconds, at least {minimum:g}", _at_least(_float, minimum))


def choice(*allowed: str) -> Kind:
    """One of the words `allowed`, in any case."""
    words = {word.lower(): word for word in allowed}

    def parse(value: Any) -> str:
        word = words.get(_text(value).strip().lower())
        if word is None:
            raise ValueError(value)
        return word

    return Kind(f"one of {', '.join(allowed)}", parse)


def optional(kind: Kind) -> Kind:
    """`kind`, or nothing: None, an empty text, or the word `none`."""

    def parse(value: Any) -> Any:
        if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
            return None
        return kind.parse(value)

    return Kind(f"{kind.expects}, or nothing", parse)


def either(first: Kind, second: Kind) -> Kind:
    """`first` if it fits, else `second`."""

    def parse(value: Any) -> Any:
        try:
            return first.parse(value)
        except (ValueError, TypeError):
            return second.parse(value)

    return Kind(f"{first.expects}, or {second.expects}", parse)


def set_of(kind: Kind, of_what: str) -> Kind:
    """A set of `kind`, written as a comma-separated list."""
    return Kind(
        f"a comma-separated list of {of_what}", lambda value: {kind.parse(item) for item in _items(value)}
    )


def list_of(kind: Kind, of_what: str) -> Kind:
    """A list of `kind`, written as a comma-separated list."""
    return Kind(
        f"a comma-separated list of {of_what}", lambda value: [kind.parse(item) for item in _items(value)]
    )


BOOL = Kind("true or false", _bool)
TEXT = Kind("a text", _text)
PATH = Kind("a path", _path)
COUNT = integer(0)
POSITIVE = integer(1)
PORT = integer(0, 65535)
SECONDS = seconds(0)
NUMBER = Kind("a number of at least 0", _at_least(_float, 0))
DURATION = Kind("a number of seconds, or HH:MM:SS", _duration)
NAMES = list_of(TEXT, "names")
HEADERS = Kind('a JSON object of texts, such as {"X-Team": "data"}', _headers)
LOG_LEVEL = choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
DELAY = either(SECONDS, list_of(SECONDS, "seconds"))


def to_text(value: Any) -> str:
    """`value` as an environment variable or a profile holds it; every kind reads its own text back."""
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    if isinstance(value, dict):
        import json  # 3 ms of import for the rare settings that hold JSON

        return json.dumps(value)
    if isinstance(value, (set, frozenset)):
        return ",".join(sorted(map(str, cast("set[Any]", value))))
    if isinstance(value, list):
        return ",".join(map(str, cast("list[Any]", value)))
    return str(value)
