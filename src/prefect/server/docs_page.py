"""The page at /docs: the OpenAPI document for people, made here; no script runs in it, and nothing is fetched."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: API reference</title>
<link rel="stylesheet" href="static/docs.css">
</head>
<body>
<header><h1>{title}: API reference</h1>
<p>Version {version}. Paths are below <code>{base}</code>. As a file:
<a href="openapi.json">openapi.json</a>.</p></header>
<nav aria-label="Nouns"><ul>{contents}</ul></nav>
<main>{sections}<section id="schemas"><h2>Schemas</h2>{schemas}</section></main>
</body>
</html>
"""


def page(document: dict[str, Any]) -> str:
    """The page, as HTML.

    Args:
        document: of `prefect.server.openapi`.
    """
    by_tag: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag.setdefault(operation["tags"][0], []).append(_operation(path, method, operation))
    schemas: dict[str, Any] = document["components"]["schemas"]
    return _PAGE.format(
        title=escape(document["info"]["title"]),
        version=escape(document["info"]["version"]),
        base=escape(document["servers"][0]["url"]),
        contents="".join(
            f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name in [*by_tag, "Schemas"]
        ),
        sections="".join(
            f'<section id="{_anchor(tag)}"><h2>{escape(tag)}</h2>{"".join(found)}</section>'
            for tag, found in by_tag.items()
        ),
        schemas="".join(
            f'<details id="schema-{_anchor(name)}"><summary>{escape(name)}</summary>{_json(schema)}</details>'
            for name, schema in sorted(schemas.items())
        ),
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    head = (
        f'<summary><span class="method {method}">{method.upper()}</span> <code>{escape(path)}</code> '
        f"{escape(operation['summary'])}</summary>"
    )
    parts = [f"<p>{escape(operation['description'])}</p>", _parameters(operation["parameters"])]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        parts.append(f"<h3>Request</h3>{_schema(schema)}")
    parts.append(f"<h3>Answers</h3><dl>{''.join(map(_response, operation['responses'].items()))}</dl>")
    return f'<details id="{operation["operationId"]}">{head}{"".join(parts)}</details>'


def _parameters(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{one['in']}</td>"
        f"<td>{'required' if one['required'] else 'optional'}</td><td>{_schema(one['schema'])}</td></tr>"
        for one in parameters
    )
    return f"<h3>Arguments</h3><table>{rows}</table>"


def _response(item: tuple[str, dict[str, Any]]) -> str:
    status, response = item
    content = response.get("content", {}).get("application/json")
    shown = _schema(content["schema"]) if content else ""
    return f"<dt>{status}</dt><dd>{escape(response['description'])} {shown}</dd>"


def _schema(schema: dict[str, Any]) -> str:
    """A name that leads to the schema, where it is only one; else the schema itself."""
    if set(schema) == {"$ref"}:
        return _link(schema["$ref"])
    items = schema.get("items", {})
    if schema.get("type") == "array" and set(items) == {"$ref"}:
        return f"list of {_link(items['$ref'])}"
    kind = schema.get("format") or schema.get("type")
    simple = not {"properties", "anyOf", "items"} & set(schema)
    return f"<code>{escape(str(kind))}</code>" if kind and simple else _json(schema)


def _link(reference: str) -> str:
    name = reference.rpartition("/")[2]
    return f'<a href="#schema-{_anchor(name)}">{escape(name)}</a>'


def _json(schema: Any) -> str:
    return f"<pre>{escape(json.dumps(schema, indent=2, ensure_ascii=False))}</pre>"


def _anchor(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
