"""The page `/docs`: the OpenAPI document for people. One HTML file with its style; no script, nothing fetched."""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from .page_style import STYLE


def render(document: Mapping[str, Any]) -> str:
    """The page. Every text of the document is escaped; `backquotes` become code."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(path, method, operation))
    schemas = document["components"]["schemas"]
    links = "".join(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in [*by_tag, "Problems", "Shapes"])
    calls = "".join(f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>{"".join(found)}' for tag, found in by_tag.items())
    shapes = "".join(_shape(name, schema) for name, schema in sorted(schemas.items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body><div class=frame>"
        f"<nav>{links}</nav><main><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f'{_paragraphs(info["description"])}<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"{calls}<h2 id=problems>Problems</h2>{_problems(document)}"
        f"<h2 id=shapes>Shapes</h2>{shapes}</main></div></body></html>"
    )


def _problems(document: Mapping[str, Any]) -> str:
    """What the `type` of a problem leads to."""
    rows = [
        f'<tr id="{escape(each["code"])}"><td><code>{escape(each["code"])}</code></td>'
        f"<td>{each['status']}</td><td>{_inline(each['title'])}</td></tr>"
        for each in document["x-problems"]
    ]
    return f"<table>{''.join(rows)}</table>"


def _anchor(text: str) -> str:
    return re.sub(r"\W+", "-", text).lower()


def _paragraphs(text: str) -> str:
    """Those of the text; a line break within one is none."""
    return "".join(f"<p>{_inline(' '.join(part.split()))}</p>" for part in re.split(r"\n\s*\n", text) if part)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    shown = re.sub(r"(\{\w+\})", r"<i>\1</i>", escape(path))
    parts = [_paragraphs(operation["description"])]
    if operation["parameters"]:
        rows = [(f"{p['name']} <small>{p['in']}</small>", p["schema"], p["required"]) for p in operation["parameters"]]
        parts.append(f"<h4>Parameters</h4>{_table(rows)}")
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<h4>Body <code>{escape(media)}</code></h4><p>{_type(content['schema'])}</p>")
    parts.append("<h4>Answers</h4><table>")
    for status, answer in operation["responses"].items():
        kinds = ", ".join(_type(content["schema"]) for content in answer.get("content", {}).values())
        parts.append(
            f"<tr><td><code>{escape(status)}</code></td><td>{_inline(answer['description'])}</td><td>{kinds}</td></tr>"
        )
    parts.append("</table>")
    return (
        f'<details id="{escape(operation["operationId"])}">'
        f'<summary><span class="method {method}">{method.upper()}</span>'
        f"<span class=path>{shown}</span><span class=say>{_inline(operation['summary'])}</span></summary>"
        f"<div class=inside>{''.join(parts)}</div></details>"
    )


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [(escape(key), value, key in required) for key, value in schema.get("properties", {}).items()]
    return (
        f'<details id="shape-{_anchor(name)}"><summary><code>{escape(name)}</code>'
        f"<span class=say>{_inline(schema.get('description', '').partition(chr(10))[0])}</span></summary>"
        f"<div class=inside>{_paragraphs(schema.get('description', ''))}{_table(rows)}</div></details>"
    )


def _table(rows: list[tuple[str, Mapping[str, Any], bool]]) -> str:
    lines = [
        f"<tr><td><code>{name}</code>{' <span class=must>needed</span>' if required else ''}</td>"
        f"<td>{_type(schema)}</td><td>{_inline(schema.get('description', ''))}</td></tr>"
        for name, schema, required in rows
    ]
    return f"<table>{''.join(lines)}</table>" if lines else ""


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to shapes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#shape-{_anchor(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema['items'])}" if schema.get("items") else "list"
    if kind == "object" and schema.get("properties"):
        return ", ".join(f"<code>{escape(key)}</code>: {_type(each)}" for key, each in schema["properties"].items())
    return escape(" ".join([str(schema.get("format", kind)), *_bounds(schema)]))


def _bounds(schema: Mapping[str, Any]) -> list[str]:
    found = []
    for key, text in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to")):
        if key in schema:
            found.append(f"{text} {schema[key]}")
    if "default" in schema and schema["default"] not in ("", None):
        found.append(f"(default {json.dumps(schema['default'], default=list)})")
    return found
