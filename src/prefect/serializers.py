"""How results become bytes, and values again.

A serializer is a pydantic model whose `type` names it: `Serializer(type="json")` gives a `JSONSerializer`,
and a subclass of `Serializer` with a `type` of its own is known by it as soon as it is defined. What
`dumps` returns is text in UTF-8, since task results are kept inside a JSON document.
"""

from __future__ import annotations

import base64
import importlib
from abc import abstractmethod
from functools import lru_cache
from inspect import get_annotations
from typing import Any, ClassVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    TypeAdapter,
    field_validator,
    model_validator,
)
from pydantic_core import to_jsonable_python
from typing_extensions import Self, override

from prefect.exceptions import SerializationError

__all__ = [
    "CompressedJSONSerializer",
    "CompressedPickleSerializer",
    "CompressedSerializer",
    "JSONSerializer",
    "PickleSerializer",
    "Serializer",
    "UnknownSerializer",
    "prefect_json_object_decoder",
    "prefect_json_object_encoder",
]

_ENCODER = "prefect.serializers.prefect_json_object_encoder"
_DECODER = "prefect.serializers.prefect_json_object_decoder"


def _import_library(path: str, kind: str, *methods: str) -> Any:
    """The module that a user named; a ValueError says what is wrong with it and what to do."""
    try:
        module = importlib.import_module(path)
    except ImportError as exc:
        raise ValueError(
            f"Failed to import requested {kind} library: {path!r}. "
            f"Install it (`pip install {path.partition('.')[0]}`) or name another one."
        ) from exc
    for method in methods:
        if not callable(getattr(module, method, None)):
            raise ValueError(  # noqa: TRY004 - pydantic makes a validation error of it
                f"{kind.capitalize()} library at {path!r} does not have a {method!r} method."
            )
    return module


def _import_object(path: str) -> Any:
    """The object at `package.module.Class.attribute`."""
    parts = path.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for name in parts[split:]:
            found = getattr(found, name)
        return found
    raise ImportError(f"expected the path of an importable object, got {path!r}")


def prefect_json_object_encoder(obj: Any) -> Any:
    """What JSON has no form for, tagged with its class: exceptions, and all that pydantic can serialize.

    Raises:
        ValueError: pydantic cannot serialize it either (`PydanticSerializationError`).
    """
    kind = cast("type[Any]", type(obj))
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(obj, BaseException):
        return {"__exc_type__": name, "message": str(obj)}
    return {"__class__": name, "data": to_jsonable_python(obj, serialize_as_any=True)}


def prefect_json_object_decoder(result: dict[str, Any]) -> Any:
    """The value that `prefect_json_object_encoder` tagged; any other object as it is."""
    if "__class__" in result:
        return _adapter(_import_object(result["__class__"])).validate_python(result["data"])
    if "__exc_type__" in result:
        kind = _import_object(result["__exc_type__"])
        try:
            return kind(result["message"])
        except TypeError:  # it wants other arguments than a message
            return kind.__new__(kind, result["message"])
    return result


@lru_cache(maxsize=256)
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


class Serializer(BaseModel):
    """The base of all serializers; subclass it, give `type` a default, and define `dumps` and `loads`.

    Raises:
        ValueError: no serializer of that `type` is known (pydantic's `ValidationError`).
    """

    model_config = ConfigDict(extra="forbid")
    _known: ClassVar[dict[str, type[Serializer]]] = {}

    type: str

    def __class_getitem__(cls, _: Any) -> Any:
        """`Serializer[int]`, as annotations have it, is the class itself."""
        return cls

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Remember the class by the `type` that it declares."""
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.model_fields["type"].default
        if isinstance(name, str) and "type" in get_annotations(cls):
            Serializer._known[name] = cls

    def __new__(cls, **data: Any) -> Self:
        """Where no serializer in particular is asked for, the one of the given `type`."""
        return super().__new__(cast("type[Self]", cls._class_of(data)))

    @model_validator(mode="wrap")
    @classmethod
    def _dispatch(cls, value: Any, handler: Any) -> Any:
        """Plain data is validated by the class that its `type` names."""
        if isinstance(value, dict):
            chosen = cls._class_of(cast("dict[str, Any]", value))
            if chosen is not cls:
                return chosen.model_validate(value)
        return handler(value)

    @classmethod
    def _class_of(cls, data: dict[str, Any]) -> type[Serializer]:
        if cls is not Serializer or "type" not in data:
            return cls
        try:
            return Serializer._known[data["type"]]
        except KeyError:
            raise ValueError(
                f"expected the type of a serializer ({', '.join(sorted(Serializer._known))}), "
                f"got {data['type']!r}"
            ) from None

    @abstractmethod
    def dumps(self, obj: Any) -> bytes:
        """The value as bytes, text in UTF-8."""
        raise NotImplementedError

    @abstractmethod
    def loads(self, blob: bytes) -> Any:
        """The value again."""
        raise NotImplementedError


class UnknownSerializer(Serializer):
    """Stands in for a serializer whose class is not at hand: it keeps the name and refuses the rest."""

    @override
    def dumps(self, obj: Any) -> bytes:
        """Refused."""
        raise SerializationError(self._refusal("write"))

    @override
    def loads(self, blob: bytes) -> Any:
        """Refused."""
        raise SerializationError(self._refusal("read"))

    def _refusal(self, verb: str) -> str:
        return (
            f"Cannot {verb} a result with serializer {self.type!r}: expected one of "
            f"{', '.join(sorted(Serializer._known))}. Import the module that defines it first."
        )


class PickleSerializer(Serializer):
    """Any Python value, as base64 of a pickle.

    Attributes:
        picklelib: a module with `dumps` and `loads`; `cloudpickle` takes lambdas and a script's classes too.
        picklelib_version: only kept with the result, to say what wrote it.
    """

    type: str = "pickle"
    picklelib: str = "cloudpickle"
    picklelib_version: str | None = None

    @field_validator("picklelib")
    @classmethod
    def check_picklelib(cls, value: str) -> str:
        """It can be imported and has the methods."""
        _import_library(value, "pickle", "dumps", "loads")
        return value

    def dumps(self, obj: Any) -> bytes:
        """The value as bytes."""
        library = importlib.import_module(self.picklelib)
        return base64.b64encode(library.dumps(obj))

    def loads(self, blob: bytes) -> Any:
        """The value again."""
        library = importlib.import_module(self.picklelib)
        return library.loads(base64.b64decode(blob))


class JSONSerializer(Serializer):
    """JSON; what JSON has no form for is tagged with its class.

    Attributes:
        jsonlib: a module with `loads`, and a `dumps` that takes `default`.
        object_encoder: path of a function for what the library cannot encode; None for none.
        object_decoder: path of a function that each decoded object is passed through; None for none.
        dumps_kwargs: passed to the library's `dumps`.
        loads_kwargs: passed to its `loads`.
    """

    type: str = "json"
    jsonlib: str = "json"
    object_encoder: str | None = _ENCODER
    object_decoder: str | None = _DECODER
    dumps_kwargs: dict[str, Any] = Field(default_factory=dict)
    loads_kwargs: dict[str, Any] = Field(default_factory=dict)

    @field_validator("jsonlib")
    @classmethod
    def check_jsonlib(cls, value: str) -> str:
        """It can be imported and has the methods."""
        _import_library(value, "json", "dumps", "loads")
        return value

    @field_validator("dumps_kwargs")
    @classmethod
    def dumps_kwargs_cannot_contain_default(cls, value: dict[str, Any]) -> dict[str, Any]:
        """`object_encoder` is the place for it."""
        if "default" in value:
            raise ValueError("`default` cannot be provided. Use `object_encoder` instead.")
        return value

    @field_validator("loads_kwargs")
    @classmethod
    def loads_kwargs_cannot_contain_object_hook(cls, value: dict[str, Any]) -> dict[str, Any]:
        """`object_decoder` is the place for it."""
        if "object_hook" in value:
            raise ValueError("`object_hook` cannot be provided. Use `object_decoder` instead.")
        return value

    def dumps(self, obj: Any) -> bytes:
        """The value as bytes."""
        library = importlib.import_module(self.jsonlib)
        options = dict(self.dumps_kwargs)
        if self.object_encoder is not None:
            options["default"] = _import_object(self.object_encoder)
        text: str | bytes = library.dumps(obj, **options)
        return text.encode() if isinstance(text, str) else text

    def loads(self, blob: bytes) -> Any:
        """The value again."""
        library = importlib.import_module(self.jsonlib)
        options = dict(self.loads_kwargs)
        if self.object_decoder is not None:
            decoder = _import_object(self.object_decoder)
            if self.jsonlib != "json":  # other libraries have no hook
                return _decoded(library.loads(blob, **options), decoder)
            options["object_hook"] = decoder
        return library.loads(blob.decode(), **options)


def _decoded(value: Any, decoder: Any) -> Any:
    """What `object_hook` would have made, for libraries that have none."""
    if isinstance(value, dict):
        return decoder({key: _decoded(item, decoder) for key, item in cast("dict[str, Any]", value).items()})
    if isinstance(value, list):
        return [_decoded(item, decoder) for item in cast("list[Any]", value)]
    return value


class CompressedSerializer(Serializer):
    """Another serializer, compressed, as base64.

    Attributes:
        serializer: the other one, or its `type`.
        compressionlib: a module with `compress` and `decompress`, such as `lzma`, `zlib`, `gzip` or `bz2`.
    """

    type: str = "compressed"
    serializer: SerializeAsAny[Serializer]
    compressionlib: str = "lzma"

    @field_validator("serializer", mode="before")
    @classmethod
    def validate_serializer(cls, value: str | Serializer) -> Serializer:
        """A name stands for the serializer of that type."""
        return Serializer.model_validate({"type": value}) if isinstance(value, str) else value

    @field_validator("compressionlib")
    @classmethod
    def check_compressionlib(cls, value: str) -> str:
        """It can be imported and has the methods."""
        _import_library(value, "compression", "compress", "decompress")
        return value

    def dumps(self, obj: Any) -> bytes:
        """The value as bytes."""
        library = importlib.import_module(self.compressionlib)
        return base64.b64encode(library.compress(self.serializer.dumps(obj)))

    def loads(self, blob: bytes) -> Any:
        """The value again."""
        library = importlib.import_module(self.compressionlib)
        return self.serializer.loads(library.decompress(base64.b64decode(blob)))


class CompressedPickleSerializer(CompressedSerializer):
    """A pickle, compressed."""

    type: str = "compressed/pickle"
    serializer: SerializeAsAny[Serializer] = Field(default_factory=PickleSerializer)


class CompressedJSONSerializer(CompressedSerializer):
    """JSON, compressed."""

    type: str = "compressed/json"
    serializer: SerializeAsAny[Serializer] = Field(default_factory=JSONSerializer)
