"""The OpenAPI document, from the table of endpoints: built when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from prefect._version import REST_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prefect._api.endpoint import Endpoint

    AnyEndpoint = Endpoint[..., Any]
    Key = tuple[str, str]

_REF = "#/components/schemas/{model}"
_ERRORS = {
    400: ("Said", "The request, or the API version that it names, cannot be read."),
    401: ("Failure", "The server asks who you are."),
    403: ("Said", "You may not do this."),
    404: ("Said", "There is no such object."),
    409: ("Said", "The name is taken, or the object is not in a state for this."),
    410: ("Said", "It was there, and has ended."),
    413: ("Said", "The request is too large."),
    422: ("Refusal", "The request is not what is expected."),
    423: ("Said", "All is taken: ask again after the seconds of `Retry-After`."),
    500: ("Failure", "The server has failed."),
    503: ("Failure", "The store is busy or away: ask again."),
}
_DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
_FAILURE = {
    "type": "object",
    "properties": {"exception_message": {"type": "string"}},
    "required": ["exception_message"],
}
_INVALID = {
    "type": "object",
    "properties": {
        "exception_message": {"type": "string"},
        "exception_detail": {"type": "array", "items": {"type": "object"}},
        "request_body": {},
    },
    "required": ["exception_message", "exception_detail", "request_body"],
}
_MISTAKE = {
    "type": "object",
    "properties": {"error": {"type": "object"}},
    "required": ["error"],
}
_SCHEMAS = {"Said": _DETAIL, "Failure": _FAILURE, "Invalid": _INVALID, "Mistake": _MISTAKE}
LEAST, GREATEST = -(2**63), 2**63 - 1
_ANYONE: list[dict[str, list[str]]] = []


class _Generator(GenerateJsonSchema):
    """What JSON schema has no word for is anything."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default", "skipped-discriminator"}  # noqa: RUF012

    def int_schema(self, schema: Any) -> dict[str, Any]:
        """What comes in is stored: in 64 bits, in whatever database."""
        made = super().int_schema(schema)
        if self.mode == "serialization":
            return made
        least = {} if "exclusiveMinimum" in made else {"minimum": LEAST}
        return {**least, "maximum": GREATEST, **made}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:  # noqa: ARG002
        return {}


def document(endpoints: Iterable[AnyEndpoint], prefix: str) -> dict[str, Any]:
    """The document, as OpenAPI 3.1 has it.

    Args:
        endpoints: of the table.
        prefix: the path that theirs are below, such as `/api`.
    """
    listed = list(endpoints)
    schemas, components = _schemas_of(listed)
    paths: dict[str, dict[str, Any]] = {}
    for one in listed:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pluperfect",
            "version": REST_VERSION,
            "description": "The REST API of flows, runs, deployments and everything around them.",
        },
        "servers": [{"url": prefix}],
        "security": [{}, {"password": []}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**components, **_SCHEMAS},
            "securitySchemes": {
                "password": {"type": "http", "scheme": "basic"},
                "token": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _schemas_of(endpoints: list[AnyEndpoint]) -> tuple[dict[Key, dict[str, Any]], dict[str, Any]]:
    """The schema of every argument, body and answer, by operation and name; and what they refer to."""
    asked: list[tuple[Key, JsonSchemaMode, TypeAdapter[Any]]] = []
    for one in endpoints:
        asked.append(((one.name, "return"), "serialization", one.answers))
        if one.bodies is not None:
            asked.append(((one.name, "body"), "validation", one.bodies))
        for name, parameter in one.signature.parameters.items():
            if name != "body":
                asked.append(((one.name, name), "validation", TypeAdapter(parameter.annotation)))
    made, whole = TypeAdapter.json_schemas(asked, ref_template=_REF, schema_generator=_Generator)
    components = whole.get("$defs", {})
    for component in components.values():
        for field in component.get("properties", {}).values():
            if field.get("default", "") is None and "anyOf" not in field:
                del field["default"]  # not set yet, which is no value that the field may have
    return {key: schema for (key, _), schema in made.items()}, components


def _operation(one: AnyEndpoint, schemas: dict[Key, dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.name.replace("_", " ").capitalize(),
        "description": (one.__doc__ or "").partition("\n")[0],
        "tags": [tag_of(one)],
        "parameters": [_parameter(one, name, schemas) for name in one.signature.parameters if name != "body"],
        "responses": _responses(one, schemas[one.name, "return"]),
    }
    if one.bodies is not None:
        required = one.signature.parameters["body"].default is one.signature.empty
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": schemas[one.name, "body"]}},
        }
    if one.role == "anyone":
        operation["security"] = _ANYONE
    return operation


def tag_of(one: AnyEndpoint) -> str:
    """The noun that an endpoint is about: its module's name, in words."""
    return one.function.__module__.rpartition(".")[2].replace("_", " ").capitalize()


def _parameter(one: AnyEndpoint, name: str, schemas: dict[Key, dict[str, Any]]) -> dict[str, Any]:
    in_path = name in one.in_path
    required = in_path or one.signature.parameters[name].default is one.signature.empty
    return {
        "name": one.spelled.get(name, name),
        "in": "path" if in_path else "query",
        "required": required,
        "schema": schemas[one.name, name],
    }


def _responses(one: AnyEndpoint, answer: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in _successes(one):
        responses[str(status)] = {"description": "Done." if status == 204 else "The answer."}
        if status != 204:
            responses[str(status)]["content"] = {"application/json": {"schema": answer}}
    for status in _failures(one):
        name, text = _ERRORS[status]
        schema: dict[str, Any] = {"$ref": _REF.format(model=name)}
        if name == "Refusal":
            schema = {
                "anyOf": [{"$ref": _REF.format(model=model)} for model in ("Invalid", "Said", "Mistake")]
            }
        responses[str(status)] = {"description": text, "content": {"application/json": {"schema": schema}}}
    return responses


def _successes(one: AnyEndpoint) -> list[int]:
    """An upsert answers 201 when it has made something, and 200 when it was there."""
    upserts = one.status == 200 and one.method == "POST" and one.role != "viewer"
    successes = [200, 201] if upserts else [one.status]
    return sorted({*successes, *(status for status in one.also if status < 300)})


def _failures(one: AnyEndpoint) -> list[int]:
    failures = [400, 404, 500, 503] if one.in_path else [400, 500, 503]
    failures += [status for status in one.also if status >= 300]
    if one.role != "anyone":
        failures += [401, 403]
    if one.method != "GET":
        failures += [404, 409, 410]
    if one.bodies is not None:
        failures += [413]
    if one.signature.parameters:
        failures += [422]
    return sorted(set(failures))
