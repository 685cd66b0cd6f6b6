"""The schema of a block class as the API keeps it: fields, secrets, and the blocks within."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import SecretBytes, SecretStr

from prefect.model.blocks import checksum_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.blocks.core import Block

DEFINITION = "#/definitions/{model}"


def fields_of(kind: type[Block]) -> dict[str, Any]:
    """The JSON schema of a block class, with what the API wants to know besides."""
    schema = kind.model_json_schema(ref_template=DEFINITION)
    definitions: dict[str, Any] = schema.pop("$defs", {})
    references: dict[str, Any] = {}
    secret_fields: list[str] = []
    for name, inner in inner_blocks(kind):
        within = fields_of(inner)
        definitions |= within.pop("definitions", {})
        definitions[inner.__name__] = within
        references.setdefault(
            name,
            {"block_schema_checksum": checksum_of(within), "block_type_slug": inner.get_block_type_slug()},
        )
    for name, annotation in _annotations(kind):
        secret_fields += [name] if _is_secret(annotation) else []
        for inner in _blocks_in(annotation):
            secret_fields += [f"{name}.{path}" for path in fields_of(inner)["secret_fields"]]
    made = _described(schema, kind.get_description())
    made |= {
        "block_type_slug": kind.get_block_type_slug(),
        "secret_fields": list(dict.fromkeys(secret_fields)),
        "block_schema_references": references,
    }
    return {**made, "definitions": definitions} if definitions else made


def _described(schema: dict[str, Any], description: str | None) -> dict[str, Any]:
    """The schema without what clients of the API do not know, and with the order of the fields."""
    made = {name: value for name, value in schema.items() if name != "additionalProperties"}
    made.pop("description", None)
    if description is not None:
        made["description"] = description
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    made["properties"] = {
        name: {
            **{key: item for key, item in field.items() if key != "additionalProperties"},
            "position": place,
        }
        for place, (name, field) in enumerate(properties.items())
    }
    return made


def inner_blocks(kind: type[Block]) -> Iterator[tuple[str, type[Block]]]:
    """The fields of a block class that hold blocks, with their classes."""
    for name, annotation in _annotations(kind):
        for inner in _blocks_in(annotation):
            yield name, inner


def _annotations(kind: type[Block]) -> Iterator[tuple[str, Any]]:
    for name, field in kind.model_fields.items():
        yield name, field.annotation


def _blocks_in(annotation: Any) -> Iterator[type[Block]]:
    if isinstance(annotation, type) and getattr(annotation, "is_block_class", lambda _: False)(annotation):  # type: ignore[misc] # asked of Block only
        yield cast("type[Block]", annotation)
    for inner in get_args(annotation):
        yield from _blocks_in(inner)


def _is_secret(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, (SecretStr, SecretBytes)):
        return True
    return any(_is_secret(inner) for inner in get_args(annotation))
