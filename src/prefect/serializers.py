"""Serializers: how results become bytes. `type` names them, so that a setting or a stored record can."""

from __future__ import annotations

import base64
import importlib
import json
import pickle
from types import ModuleType
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator, model_validator
from pydantic_core import to_jsonable_python
from typing_extensions import Self

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

D = TypeVar("D")
_PLAIN = frozenset((type(None), bool, int, float, str, bytes))


def prefect_json_object_encoder(obj: Any) -> Any:
    """JSON for what JSON does not know: the class's name beside the data."""
    name = f"{type(obj).__module__}.{type(obj).__qualname__}"
    if isinstance(obj, BaseException):
        return {"__exc_type__": name, "message": str(obj), "args": [_shown(arg) for arg in obj.args]}
    if isinstance(obj, BaseModel):
        return {"__class__": name, "data": obj.model_dump(mode="json")}
    return {"__class__": name, "data": to_jsonable_python(obj)}


def _shown(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def prefect_json_object_decoder(result: dict[str, Any]) -> Any:
    """The other way round; a dict without a class's name stays a dict."""
    if "__class__" in result:
        found = _imported(result["__class__"])
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found.model_validate(result["data"])
        return TypeAdapter(found).validate_python(result["data"])
    if "__exc_type__" in result:
        found = _imported(result["__exc_type__"])
        return found(*result.get("args", [result["message"]]))
    return result


def _imported(name: str) -> Any:
    """The class of a qualified name; nested classes are found through their outer ones."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return getattr(_imported(module), attribute)


class Serializer(BaseModel):
    """The base. `Serializer(type="json")` makes the serializer of that type.

    A subclass with a `type` of its own is registered by being defined.
    """

    model_config = ConfigDict(extra="forbid")
    _registry: ClassVar[dict[str, type[Serializer]]] = {}
    type: str

    def __new__(cls, **data: Any) -> Self:
        """An instance of the class that is registered for `type`."""
        if cls is Serializer and "type" in data:
            cls = Serializer._registry.get(data["type"], UnknownSerializer)  # type: ignore[assignment]
        return super().__new__(cls)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register the type."""
        super().__pydantic_init_subclass__(**kwargs)
        name = cls.model_fields["type"].default
        if isinstance(name, str):
            Serializer._registry[name] = cls

    def dumps(self, obj: Any) -> bytes:
        """The value as bytes. Raises SerializationError, or what the library raises."""
        raise NotImplementedError(f"{type(self).__name__} must define dumps()")

    def loads(self, blob: bytes) -> Any:
        """The value again. Raises SerializationError, or what the library raises."""
        raise NotImplementedError(f"{type(self).__name__} must define loads()")


class UnknownSerializer(Serializer):
    """Stands in for a serializer whose package is not installed here: it can be named, not used."""

    model_config = ConfigDict(extra="allow")
    type: str

    def dumps(self, obj: Any) -> bytes:
        """Raises SerializationError."""
        raise SerializationError(self._advice())

    def loads(self, blob: bytes) -> Any:
        """Raises SerializationError."""
        raise SerializationError(self._advice())

    def _advice(self) -> str:
        known = sorted(Serializer._registry)
        return f"Expected a serializer of {known}, got {self.type!r}. Install and import the package that defines it."


def _library(name: str, *functions: str) -> ModuleType:
    """A library by name. Raises ValueError where it is missing, or is not of this kind."""
    try:
        module = importlib.import_module(name)
    except ImportError as exc:
        raise ValueError(f"Failed to import requested library: {name!r}. Install it, or name another one.") from exc
    for function in functions:
        if not callable(getattr(module, function, None)):
            raise ValueError(f"Library at {name!r} does not have a {function!r} method.")
    return module


class PickleSerializer(Serializer):
    """Pickles by value what cannot be imported (cloudpickle), as base64 text."""

    type: Literal["pickle"] = "pickle"
    picklelib: str = "cloudpickle"
    picklelib_version: str | None = None

    @field_validator("picklelib")
    @classmethod
    def check_picklelib(cls, value: str) -> str:
        """Raises ValueError where it cannot be imported, or is no pickle library."""
        _library(value, "dumps", "loads")
        return value

    def dumps(self, obj: Any) -> bytes:
        """The value as base64 text."""
        library: Any = pickle if type(obj) in _PLAIN else importlib.import_module(self.picklelib)
        return base64.b64encode(library.dumps(obj))

    def loads(self, blob: bytes) -> Any:
        """The value again."""
        return importlib.import_module(self.picklelib).loads(base64.b64decode(blob))


class JSONSerializer(Serializer):
    """JSON, with classes named beside the data of what JSON does not know."""

    type: Literal["json"] = "json"
    jsonlib: str = "json"
    object_encoder: str | None = Field(default="prefect.serializers.prefect_json_object_encoder")
    object_decoder: str | None = Field(default="prefect.serializers.prefect_json_object_decoder")
    dumps_kwargs: dict[str, Any] = Field(default_factory=dict)
    loads_kwargs: dict[str, Any] = Field(default_factory=dict)

    @field_validator("dumps_kwargs")
    @classmethod
    def dumps_kwargs_cannot_contain_default(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Raises ValueError: `default` is what `object_encoder` is for."""
        if "default" in value:
            raise ValueError("`default` cannot be provided. Use `object_encoder` instead.")
        return value

    @field_validator("loads_kwargs")
    @classmethod
    def loads_kwargs_cannot_contain_object_hook(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Raises ValueError: `object_hook` is what `object_decoder` is for."""
        if "object_hook" in value:
            raise ValueError("`object_hook` cannot be provided. Use `object_decoder` instead.")
        return value

    def dumps(self, obj: Any) -> bytes:
        """The value as UTF-8 JSON."""
        options = dict(self.dumps_kwargs)
        if self.object_encoder:
            options["default"] = _imported(self.object_encoder)
        text = self._lib().dumps(obj, **options)
        return text.encode() if isinstance(text, str) else text

    def loads(self, blob: bytes) -> Any:
        """The value again."""
        options = dict(self.loads_kwargs)
        if self.object_decoder:
            options["object_hook"] = _imported(self.object_decoder)
        return self._lib().loads(blob.decode(), **options)

    def _lib(self) -> Any:
        return json if self.jsonlib == "json" else importlib.import_module(self.jsonlib)


class CompressedSerializer(Serializer):
    """Compresses what another serializer makes; `compressionlib` is a module with `compress` and `decompress`."""

    type: Literal["compressed"] = "compressed"
    serializer: Serializer
    compressionlib: str = "lzma"

    @field_validator("serializer", mode="before")
    @classmethod
    def validate_serializer(cls, value: Any) -> Serializer:
        """A serializer may be given by its type's name, or as a dict."""
        if isinstance(value, str):
            return Serializer(type=value)
        return Serializer(**value) if isinstance(value, dict) else value

    @field_validator("compressionlib")
    @classmethod
    def check_compressionlib(cls, value: str) -> str:
        """Raises ValueError where it cannot be imported, or is no compression library."""
        _library(value, "compress", "decompress")
        return value

    def dumps(self, obj: Any) -> bytes:
        """The value, serialized, compressed, as base64 text."""
        library: Any = importlib.import_module(self.compressionlib)
        return base64.b64encode(library.compress(self.serializer.dumps(obj)))

    def loads(self, blob: bytes) -> Any:
        """The value again."""
        library: Any = importlib.import_module(self.compressionlib)
        return self.serializer.loads(library.decompress(base64.b64decode(blob)))

    @model_validator(mode="after")
    def _plain_is_not_enough(self) -> Self:
        if isinstance(self.serializer, UnknownSerializer):
            raise ValueError(self.serializer._advice())
        return self


class CompressedPickleSerializer(CompressedSerializer):
    """`compressed/pickle`."""

    type: Literal["compressed/pickle"] = "compressed/pickle"  # type: ignore[assignment]
    serializer: Serializer = Field(default_factory=PickleSerializer)


class CompressedJSONSerializer(CompressedSerializer):
    """`compressed/json`."""

    type: Literal["compressed/json"] = "compressed/json"  # type: ignore[assignment]
    serializer: Serializer = Field(default_factory=JSONSerializer)


