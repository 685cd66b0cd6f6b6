"""The one hash: what is the same, what is not, in every process and on every Python."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag, IntEnum
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect._base.hashing import UnhashableError, stable_digest
from prefect.exceptions import HashError

Pair = namedtuple("Pair", "left right")


class Colour(Enum):
    RED = 1
    BLUE = 2


class Rights(Flag):
    READ = 1
    WRITE = 2


class Level(IntEnum):
    LOW = 1


@dataclass
class Point:
    x: int
    y: float = 0.0
    tags: dict = field(default_factory=dict)


class Model(pydantic.BaseModel):
    x: int
    y: list[str] = []
    _secret: int = pydantic.PrivateAttr(default=0)


class Text(str):  # noqa: SLOT000 - attributes are part of the test
    pass


class Plain:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a


def double(x, by=2):
    return x * by


DIFFERENT = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**40,
    2**200,
    0.0,
    -0.0,
    1.0,
    float("nan"),
    float("inf"),
    1j,
    "",
    "1",
    "é",
    "\ud800",
    b"",
    b"1",
    bytearray(b"1"),
    Text("1"),
    [],
    [1],
    [1.0],
    [True],
    [[1]],
    [[1], []],
    [[], [1]],
    (),
    (1,),
    (1, (2, 3)),
    (1, 2, 3),
    {},
    {"a": 1},
    {"a": [1]},
    {1: "a"},
    {"1": "a"},
    {(1, 2): 3},
    set(),
    {1},
    {"1"},
    frozenset({1}),
    Decimal("1.0"),
    Decimal("1.00"),
    Fraction(1, 1),
    date(2020, 1, 1),
    datetime(2020, 1, 1),
    datetime(2020, 1, 1, tzinfo=timezone.utc),
    datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Paris")),
    datetime(2020, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    time(1, 2),
    timedelta(1),
    timedelta(0, 1),
    UUID(int=1),
    Path("a"),
    Path("b"),
    Colour.RED,
    Colour.BLUE,
    Rights.READ,
    Rights.READ | Rights.WRITE,
    Level.LOW,
    range(3),
    slice(3),
    Point(1),
    Point(1, 1.0),
    Point(1, tags={"a": 1}),
    Pair(1, 2),
    Model(x=1),
    Model(x=1, y=["a"]),
    OrderedDict(a=1, b=2),
    OrderedDict(b=2, a=1),
    defaultdict(list, a=1),
    Counter("ab"),
    deque([1]),
    deque([1], maxlen=3),
    double,
    int,
    Point,
    len,
    "".join,
    partial(double, 1),
    partial(double, 2),
    re.compile("a"),
    re.compile("a", re.IGNORECASE),
    Plain(),
    Plain(a=1),
    Plain(a=1, b=Plain()),
    Slotted(1),
    Slotted(2),
    ValueError("a"),
    ValueError("b"),
    KeyError("a"),
    ...,
    NotImplemented,
    sys,
    np.float64(1),
    np.float32(1),
    np.int64(1),
    np.bool_(True),
    np.str_("1"),
    np.datetime64("2020-01-01"),
    np.datetime64("2020-01-01", "ns"),
    np.dtype("f8"),
    np.array([1, 2, 3, 4]),
    np.array([[1, 2], [3, 4]]),
    np.array([1, 2, 3, 4], dtype="i4"),
    np.array([1, 2, 3, 4], dtype=">i4"),
    np.array(["a", "b"]),
    np.array(["a", "b"], dtype=object),
    np.array(["a", None], dtype=object),
    np.array([], dtype="f8"),
    np.array(1.0),
    np.array([1.0], dtype=np.longdouble),
    np.ma.array([1, 2], mask=[0, 1]),
    np.ma.array([1, 2], mask=[0, 0]),
    np.array([(1, 2.0)], dtype=[("a", "i1"), ("b", "f8")]),
    pd.Series([1, 2]),
    pd.Series([1, 2], name="a"),
    pd.Series([1, 2], index=["a", "b"]),
    pd.Series([1.0, 2.0]),
    pd.Series(["a", "b"], dtype="string"),
    pd.Series(["a", "b"], dtype=object),
    pd.Series(["a", "b"], dtype="category"),
    pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["b", "a"])),
    pd.Series(["a", "b"], dtype=pd.CategoricalDtype(["a", "b"], ordered=True)),
    pd.Series([1, None], dtype="Int64"),
    pd.Series([1, 0], dtype="Int64"),
    pd.Series([True, None], dtype="boolean"),
    pd.Series(["a", None], dtype="string"),
    pd.Series(pd.to_datetime(["2020-01-01"])),
    pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")),
    pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Paris")),
    pd.Series(pd.period_range("2020", periods=2, freq="M")),
    pd.Series(pd.period_range("2020", periods=2, freq="D")),
    pd.Series(pd.interval_range(0, 2)),
    pd.Series(pd.interval_range(0, 2, closed="left")),
    pd.Series(pd.arrays.SparseArray([0, 0, 1])),
    pd.DataFrame({"a": [1, 2]}),
    pd.DataFrame({"b": [1, 2]}),
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
    pd.DataFrame({"b": [3, 4], "a": [1, 2]}),
    pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
    pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "x"), (1, "y")])),
    pd.Index([0, 1]),
    pd.RangeIndex(2),
    pd.Timestamp("2020-01-01"),
    pd.Timestamp("2020-01-01", tz="UTC"),
    pd.Timedelta(1, "D"),
    pd.NaT,
    pd.NA,
]


def test_different_values_have_different_digests():
    seen = {}
    for value in DIFFERENT:
        digest = stable_digest(value)
        assert len(digest) == 16
        assert digest not in seen, f"{value!r} and {seen[digest]!r}"
        seen[digest] = value


def test_each_is_different_inside_a_container_too():
    assert len({stable_digest({"x": [value]}) for value in DIFFERENT}) == len(DIFFERENT)


def test_several_objects_are_not_one_tuple_of_them():
    assert (
        len({stable_digest(1, 2), stable_digest((1, 2)), stable_digest([1, 2]), stable_digest(1, [2])}) == 4
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [1], "b": 2}, {"b": 2, "a": [1]}),
        ({1: 2, "a": 3}, {"a": 3, 1: 2}),
        ({3, 1, 2}, {1, 2, 3}),
        (Point(1, tags={"a": 1, "b": 2}), Point(1, tags={"b": 2, "a": 1})),
        (Slotted(1), Slotted(1)),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        (np.arange(10)[::2], np.array([0, 2, 4, 6, 8])),
        (pd.DataFrame({"a": [1.5, 2]}), pd.DataFrame({"a": [1.5, 2]})),
    ],
)
def test_equal_values_have_equal_digests(one, other):
    assert stable_digest(one) == stable_digest(other)


def test_what_a_mask_or_a_missing_value_hides_does_not_count():
    hidden = pd.arrays.IntegerArray(np.array([1, 7]), np.array([False, True]))
    assert stable_digest(hidden) == stable_digest(pd.array([1, None], dtype="Int64"))
    one, other = np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 9], mask=[0, 1])
    assert stable_digest(one) == stable_digest(other)


def test_bytes_between_the_fields_of_a_record_do_not_count():
    dtype = np.dtype([("a", "i1"), ("b", "f8")], align=True)
    one, other = np.zeros(3, dtype), np.frombuffer(b"\xff" * 3 * dtype.itemsize, dtype).copy()
    other["a"] = 0
    other["b"] = 0
    assert stable_digest(one) == stable_digest(other)


def test_large_values_differ_by_one_item():
    array = np.zeros(100_000)
    before = stable_digest(array), stable_digest("x" * 100_000), stable_digest([1] * 100_000)
    array[-1] = 1
    after = stable_digest(array), stable_digest("x" * 99_999 + "y"), stable_digest([1] * 99_999 + [2])
    assert not set(before) & set(after)


def test_a_large_array_is_not_copied():
    import tracemalloc

    array = np.zeros(4_000_000)
    tracemalloc.start()
    try:
        stable_digest({"x": array})
        assert tracemalloc.get_traced_memory()[1] < array.nbytes / 10
    finally:
        tracemalloc.stop()


def test_attributes_beyond_the_fields_of_a_dataclass_count():
    plain, more = Point(1), Point(1)
    more.extra = 1
    assert stable_digest(plain) != stable_digest(more)


def test_private_attributes_of_a_model_count():
    plain, more = Model(x=1), Model(x=1)
    more._secret = 5
    assert stable_digest(plain) != stable_digest(more)


def test_a_cached_property_does_not_change_the_digest():
    class Lazy:
        @cached_property
        def expensive(self):
            return object()

    lazy = Lazy()
    before = stable_digest(lazy)
    assert lazy.expensive
    assert stable_digest(lazy) == before


def test_functions_differ_by_source_default_and_closure():
    def make(n):
        def inner(x, y=n):
            return x + n

        return inner

    assert stable_digest(make(1)) == stable_digest(make(1))
    assert stable_digest(make(1)) != stable_digest(make(2))
    first, second = (lambda x: x + 1), (lambda x: x * 1)
    assert stable_digest(first) != stable_digest(second)


def test_a_function_may_close_over_itself():
    def make():
        def recursive(n):
            return n and recursive(n - 1)

        return recursive

    assert stable_digest(make()) == stable_digest(make())


def test_bound_methods_count_their_object():
    assert stable_digest(Text("a").upper) != stable_digest(Text("b").upper)
    assert stable_digest(Plain(a=1).__init__) != stable_digest(Plain(a=2).__init__)


@pytest.mark.behaviour(57)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"conn": Plain(lock=threading.Lock())},
            r"^\['conn'\]\.lock: expected a value that can be hashed, got _thread\.lock$",
        ),
        ([1, [2, threading.Lock()]], r"^\[1\]\[1\]: "),
        ({(1, 2): {threading.Lock()}}, r"^\[\(1, 2\)\]\{…\}: "),
        (
            Point(1, tags={"x": object()}),
            r"^\.tags\['x'\]: expected a value that can be hashed, got builtins\.object$",
        ),
        (Model.model_construct(x=threading.Lock()), r"^\.x: "),
        (np.array([1, object()], dtype=object), r"^\[1\]: "),
        (pd.DataFrame({"a": [object()]}), r"^\['a'\]\[0\]: "),
        ((i for i in "a"), r"^the value: .* got builtins\.generator$"),
    ],
)
def test_what_cannot_be_hashed_is_named(value, message):
    with pytest.raises(HashError, match=message):
        stable_digest(value)


def test_a_socket_is_named():
    with (
        socket.socket() as sock,
        pytest.raises(HashError, match=r"\['conn'\]\.socket: .* got socket\.socket"),
    ):
        stable_digest({"conn": Plain(socket=sock)})


def test_cycles_are_refused():
    cycle = [1]
    cycle.append({"again": cycle})
    with pytest.raises(
        HashError, match=r"^\[1\]\['again'\]: expected a value without cycles, got a list that holds itself$"
    ):
        stable_digest(cycle)
    parent = Plain()
    parent.child = Plain(parent=parent)
    with pytest.raises(HashError, match=r"^\.child\.parent: expected a value without cycles"):
        stable_digest(parent)


def test_the_same_object_twice_is_no_cycle():
    shared = [[1]]
    assert stable_digest([shared, shared]) == stable_digest([[[1]], [[1]]])


def test_too_deep_a_nesting_is_refused():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(HashError, match="expected a value of less depth"):
        stable_digest(deep)
    while deep:  # take it apart by hand: freeing it recursively could overflow the stack too
        deep = deep.pop()


def test_a_substitute_stands_for_what_cannot_be_hashed():
    seen = []

    def substitute(path, value):
        seen.append((path, type(value)))
        return "lock"

    lock = threading.Lock()
    digest = stable_digest({"a": [1, lock], "b": lock}, on_unhashable=substitute)
    again = {"b": threading.Lock(), "a": [1, threading.Lock()]}
    assert digest == stable_digest(again, on_unhashable=lambda *_: "lock")
    assert digest != stable_digest(again, on_unhashable=lambda *_: "other")
    assert seen == [("['a'][1]", type(lock)), ("['b']", type(lock))]


def test_the_error_carries_the_path():
    with pytest.raises(UnhashableError) as caught:
        stable_digest({"conn": Plain(lock=threading.Lock())})
    assert caught.value.path == ("['conn']", ".lock")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=8,
)


def same(one, other):
    """Equality that tells 1 from 1.0 and True, and 0.0 from -0.0, in containers too."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        import struct

        return struct.pack(">d", one) == struct.pack(">d", other)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return False
        return all(same(one[key], other[key]) for key in one)
    return one == other


@settings(max_examples=200, deadline=None)
@given(VALUES, VALUES)
def test_digests_are_equal_just_when_the_values_are(one, other):
    assert (stable_digest(one) == stable_digest(other)) is same(one, other)


GOLDEN = Path(__file__).with_name("hashing_golden.py")


def interpreters():
    """This Python, and every other one we support that is installed."""
    found = {sys.executable}
    for version in ("3.10", "3.11", "3.12", "3.13"):
        paths = [
            shutil.which(f"python{version}"),
            *Path.home().glob(f".pyenv/versions/{version}.*/bin/python"),
        ]
        for path in filter(None, paths):
            if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
                found.add(str(path))
                break
    return sorted(found)


@pytest.mark.behaviour(57)
@pytest.mark.parametrize("python", interpreters())
@pytest.mark.parametrize("seed", ["0", "1"])
def test_digests_are_the_same_in_every_process_and_on_every_python(python, seed):
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    run = subprocess.run([python, str(GOLDEN)], env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
