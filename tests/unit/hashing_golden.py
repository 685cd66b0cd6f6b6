"""Run by every Python there is: digests that must never change, or every cache key of every user changes with them."""

from __future__ import annotations

import re
import sys
from collections import Counter, OrderedDict, deque, namedtuple
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath
from uuid import UUID

from prefect._base.hashing import stable_digest

Pair = namedtuple("Pair", "left right")


class Colour(Enum):
    RED = 1


class Rights(Flag):
    READ = 1
    WRITE = 2


@dataclass
class Point:
    x: int
    tags: set


class Text(str):  # noqa: SLOT000 - attributes are part of the test
    pass


class Plain:
    def __init__(self):
        self.names = {"b": [1], "a": (2.5, None)}


class Reduced:
    def __reduce__(self):
        return (Reduced, (), {"state": [1]})


def double(x, by=2):
    return x * by


def closing_over(n):
    return lambda x: x + n


VALUES = {
    "none": None,
    "true": True,
    "int": 1,
    "large int": 2**200,
    "float": 1.5,
    "nan": float("nan"),
    "minus zero": -0.0,
    "complex": 1j,
    "text": "Zürich \N{SNOWMAN} \ud800",
    "interned text": sys.intern("abc"),
    "large text": "x" * 100_000,
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"1"),
    "list": [1, 2.0, "three", None, True],
    "nested list": [[], [1], ["a", ("b",)]],
    "tuple": (3, "abc"),
    "dict": {"b": 1, "a": 2},
    "nested dict": {"b": {"d": 1, "c": [2]}, "a": {}},
    "dict of anything": {1: "a", "b": 2, (3, 4): None, None: 5},
    "set": {"a", "b", "c", 1, 2.5, None, (1, 2)},
    "frozenset": frozenset({"x", "y", "z"}),
    "Decimal": Decimal("1.50"),
    "Fraction": Fraction(1, 3),
    "date": date(2024, 2, 29),
    "datetime": datetime(2024, 2, 29, 12, 30, 1, 5),
    "aware datetime": datetime(2024, 2, 29, tzinfo=timezone.utc),
    "time": time(1, 2, 3),
    "timedelta": timedelta(days=-1, microseconds=5),
    "UUID": UUID(int=5),
    "path": PurePosixPath("a/b"),
    "enum": Colour.RED,
    "flags": Rights.READ | Rights.WRITE,
    "range": range(1, 9, 2),
    "slice": slice(1, None),
    "pattern": re.compile("a+", re.IGNORECASE),
    "namedtuple": Pair(1, "b"),
    "dataclass": Point(1, {"a", "b"}),
    "subclass": Text("a"),
    "OrderedDict": OrderedDict(b=1, a=2),
    "Counter": Counter("abca"),
    "deque": deque([1, 2], maxlen=5),
    "object": Plain(),
    "reduced": Reduced(),
    "exception": ValueError("a", 1),
    "function": double,
    "closure": closing_over(3),
    "partial": partial(double, by=3),
    "class": Point,
    "built-in": len,
    "ellipsis": ...,
    "module": re,
}

EXPECTED = {
    "none": "738096e476d3c5447c3cb95c39bfc964",
    "true": "0583525866ce6d4c711b8d319b34a247",
    "int": "b031f74b53286bf1b839d85af453c34a",
    "large int": "018b84b71b72b5577c2eb57551ccaa52",
    "float": "73c9d8d2f4b482db637455f6459032a7",
    "nan": "5835f2586003803e5f1b4f9508c9dbc1",
    "minus zero": "037c7f8e41e78f7dc7b58c34ee6db80f",
    "complex": "52e79e944844a1b755fa8f4d23450d3e",
    "text": "6a260991fa4f94c70803f60ccf95b684",
    "interned text": "bb313f43b9d9a29d335c92f854d4b5d1",
    "large text": "ee870aa46bb785f70a7002766f420960",
    "bytes": "45c14da07b04016eb81d688a16b5a029",
    "bytearray": "51a8e6a9bb0a3e8ac1add712d202a45e",
    "list": "2151309159345298c278d04f07a471f8",
    "nested list": "7db1f45be4f76b18ecd5299b0f053b8c",
    "tuple": "e0d26cf9c04ad61cffb5478c298c0c08",
    "dict": "ae8b7baca54a42865f7b8aededf8ff44",
    "nested dict": "2cfa2fbdd512ca13062648ad11810aee",
    "dict of anything": "988a03efd934a7732b339e454b2ffd6c",
    "set": "be7683c88273f3f15904b166522d47f6",
    "frozenset": "1ab4013d1ff06c568930b7dbe069300d",
    "Decimal": "aeea11c499bd790d39b13fd12a28329c",
    "Fraction": "7b5b51c10abb75310d7eae41c2d8bc1d",
    "date": "a9325b135293d1e3473243e59e24ab49",
    "datetime": "ff3325743718497e2792fa0dbed5e7af",
    "aware datetime": "84b52d19a78819a8a80231eb0dae1f3c",
    "time": "5d11490fa73c86fc7e36196b1e4a593b",
    "timedelta": "bbeb0807a21fbd9c839b36fc4c645f3b",
    "UUID": "d1d834d9f2a73b6b3bdb8b2aede99b9d",
    "path": "530c195671401764523b0154a93ff464",
    "enum": "3110b98664e39da02526c7a30dc6351e",
    "flags": "822b975c4f088ab667e565dc22a441c5",
    "range": "85f46d14f3a0f3de032f46210a590e55",
    "slice": "57935cd9a92267e342ef393e30be2cbc",
    "pattern": "84b32905a17bd998de0d5c4690ac6bbc",
    "namedtuple": "42948a1e19d4ed638eee97c846a84c71",
    "dataclass": "f1f6baf949753b5c1ba00569ea36f2d8",
    "subclass": "f1b19e34ec5f83fe35342ac949f60fb3",
    "OrderedDict": "322f53d5105c9a7ea5d3a6b8fb45d818",
    "Counter": "0255a67ee4c230e96d23cd4657d88021",
    "deque": "fded06e3197fa43f729dad1ce7da7391",
    "object": "0872788f98b3e5a381683036b00248ee",
    "reduced": "33868c9246c41ae522279a77f4580449",
    "exception": "641e7ed78188c2d42e3090f7f3546ea1",
    "function": "23338b2268dd807e5597e00a54f93e02",
    "closure": "d3427d30fc555145320776234e93e486",
    "partial": "a909bab57681035791319b0ce9e85028",
    "class": "fd754cf38380ac879677cf62f462e806",
    "built-in": "46637314b0570275f56e9c65fbd18de8",
    "ellipsis": "3faea423b52bb9620e545da8a3c51754",
    "module": "145fa85affe6a606926bd843b687bccb",
}

if __name__ == "__main__":
    found = {name: stable_digest(value).hex() for name, value in VALUES.items()}
    if "--write" in sys.argv:  # only ever for a new entry
        print("\n".join(f'    "{name}": "{digest}",' for name, digest in found.items()))
    else:
        for name, digest in found.items():
            if EXPECTED.get(name) != digest:
                print(f"{name}: expected {EXPECTED.get(name)}, got {digest}")
