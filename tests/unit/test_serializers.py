"""Serializers: round trips, their names, and what is said when a library is missing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import uuid

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect._base.hashing import stable_digest
from prefect.exceptions import SerializationError
from prefect.serializers import (
    CompressedJSONSerializer,
    CompressedPickleSerializer,
    CompressedSerializer,
    JSONSerializer,
    PickleSerializer,
    Serializer,
    UnknownSerializer,
)


class Model(pydantic.BaseModel):
    x: int = 1
    inner: list[Model] = []


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


class TwoArguments(Exception):
    def __init__(self, one, two):
        super().__init__(one, two)


ALL = [
    PickleSerializer(),
    PickleSerializer(picklelib="pickle"),
    JSONSerializer(),
    CompressedSerializer(serializer="json", compressionlib="zlib"),
    CompressedSerializer(serializer=PickleSerializer(), compressionlib="bz2"),
    CompressedPickleSerializer(),
    CompressedJSONSerializer(compressionlib="gzip"),
]

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=6,
)
PICKLE_VALUES = (
    JSON_VALUES | st.binary() | st.sets(st.integers()) | st.tuples(st.floats(), st.complex_numbers())
)


@pytest.mark.parametrize("serializer", ALL, ids=repr)
@settings(max_examples=25, deadline=None)
@given(value=JSON_VALUES)
def test_every_serializer_gives_back_json_values(serializer, value):
    blob = serializer.dumps(value)
    assert isinstance(blob, bytes)
    blob.decode()
    assert serializer.loads(blob) == value


@settings(max_examples=50, deadline=None)
@given(value=PICKLE_VALUES)
def test_pickle_gives_back_any_value(value):
    back = PickleSerializer().loads(PickleSerializer().dumps(value))
    assert stable_digest(back) == stable_digest(value)  # unlike `==`, it knows a NaN again


@pytest.mark.parametrize(
    "value",
    [
        Model(x=3, inner=[Model()]),
        {"a": [Model()], "b": Colour.RED},
        Point(3),
        dt.datetime(2020, 1, 1),
        dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc),
        dt.date(2020, 1, 1),
        dt.timedelta(days=1, microseconds=1),
        uuid.UUID(int=5),
        decimal.Decimal("1.50"),
        pathlib.Path("/a"),
        {1, 2},
        frozenset({1}),
        1j,
        b"text",
    ],
    ids=repr,
)
def test_json_gives_back_what_pydantic_knows(value):
    back = JSONSerializer().loads(JSONSerializer().dumps(value))
    assert back == value
    assert type(back) is type(value)


def test_json_has_the_format_of_the_api():
    dumps = JSONSerializer().dumps
    name = f"{__name__}.Model"
    assert json.loads(dumps(Model())) == {"__class__": name, "data": {"x": 1, "inner": []}}
    assert json.loads(dumps(ValueError("x"))) == {"__exc_type__": "builtins.ValueError", "message": "x"}


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("a"), TwoArguments("a", "b")], ids=repr)
def test_json_gives_back_exceptions(error):
    back = JSONSerializer().loads(JSONSerializer().dumps({"error": error}))["error"]
    assert type(back) is type(error)
    assert str(error) in str(back)


def test_what_json_cannot_hold_is_an_error():
    with pytest.raises(ValueError, match="object"):
        JSONSerializer().dumps({"a": object()})


def test_json_without_an_encoder_is_plain():
    plain = JSONSerializer(object_encoder=None, object_decoder=None, dumps_kwargs={"sort_keys": True})
    assert plain.dumps({"b": 1, "a": 2}) == b'{"a": 2, "b": 1}'
    assert plain.loads(b'{"__class__": "x"}') == {"__class__": "x"}
    with pytest.raises(TypeError):
        plain.dumps(Model())


def test_json_by_another_library(tmp_path, monkeypatch):
    (tmp_path / "otherjson.py").write_text(
        "import json\n"
        "def dumps(value, default=None): return json.dumps(value, default=default).encode()\n"
        "def loads(blob): return json.loads(blob)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    serializer = JSONSerializer(jsonlib="otherjson")
    assert serializer.loads(serializer.dumps({"a": [Model(x=5)]})) == {"a": [Model(x=5)]}


def test_results_of_the_original_can_be_read():
    assert PickleSerializer().loads(b"gAWVCgAAAAAAAAB9lIwBYZRLAXMu\n") == {"a": 1}
    zlib = CompressedSerializer(serializer="json", compressionlib="zlib")
    assert zlib.loads(b"eJyLNowFAAHTAOo=\n") == [1]


def test_a_serializer_is_found_by_its_type():
    assert Serializer(type="json") == JSONSerializer()
    assert Serializer(type="pickle", picklelib="pickle") == PickleSerializer(picklelib="pickle")
    assert type(Serializer.model_validate({"type": "compressed/pickle"})) is CompressedPickleSerializer
    for serializer in ALL:
        assert Serializer.model_validate(serializer.model_dump()) == serializer
        assert Serializer.model_validate_json(serializer.model_dump_json()) == serializer
    assert Serializer[int] is Serializer


def test_a_serializer_of_the_users_own_is_known_by_its_type():
    class Mine(Serializer):
        type: str = "mine"
        loud: bool = False

        def dumps(self, obj):
            return b"mine"

        def loads(self, blob):
            return "mine"

    class Louder(Mine):
        loud: bool = True

    assert Serializer(type="mine", loud=True) == Mine(loud=True)
    assert (
        CompressedSerializer(serializer="mine").loads(CompressedSerializer(serializer="mine").dumps(1))
        == "mine"
    )


def test_an_unknown_type_is_an_error():
    with pytest.raises(ValueError, match=r"expected the type of a serializer \(.*json.*\), got 'nonsense'"):
        Serializer(type="nonsense")
    unknown = UnknownSerializer(type="nonsense")
    with pytest.raises(SerializationError, match="Cannot write a result with serializer 'nonsense'"):
        unknown.dumps(1)
    with pytest.raises(SerializationError, match="Cannot read a result with serializer 'nonsense'"):
        unknown.loads(b"")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PickleSerializer(picklelib="nolib"),
            r"pickle library: 'nolib'. Install it \(`pip install nolib`\)",
        ),
        (lambda: PickleSerializer(picklelib="os"), "Pickle library at 'os' does not have a 'dumps' method"),
        (
            lambda: JSONSerializer(jsonlib="nolib.sub"),
            r"json library: 'nolib.sub'. Install it \(`pip install nolib`",
        ),
        (lambda: CompressedPickleSerializer(compressionlib="nolib"), "compression library: 'nolib'"),
        (lambda: CompressedPickleSerializer(compressionlib="os"), "'os' does not have a 'compress' method"),
        (lambda: JSONSerializer(dumps_kwargs={"default": 1}), "`default` cannot be provided"),
        (lambda: JSONSerializer(loads_kwargs={"object_hook": 1}), "`object_hook` cannot be provided"),
        (lambda: JSONSerializer(nonsense=1), "nonsense"),
    ],
)
def test_a_wrong_option_is_an_error_that_says_what_to_do(make, message):
    with pytest.raises(pydantic.ValidationError, match=message):
        make()
