"""The page `/docs`: the OpenAPI document for people. One HTML file with its style; no script, nothing from elsewhere."""

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any, Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #fff; --wash: #f6f7f9;
  --get: #1c6e4a; --post: #1f5fa8; --put: #8a5a00; --patch: #6b3fa0; --delete: #a8322a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #9aa5b8; --line: #2c3442; --paper: #12161d; --wash: #1a202a;
  --get: #6fd3a5; --post: #82b7f5; --put: #e0b25c; --patch: #c3a0ef; --delete: #f2928b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
.frame { display: grid; grid-template-columns: 15rem minmax(0, 1fr); max-width: 78rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow: auto; padding: 2rem 1rem 2rem 1.5rem; font-size: 14px; }
nav a { display: block; padding: .2rem 0; color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--ink); }
main { padding: 2rem 1.5rem 6rem; min-width: 0; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em; }
h1 small { font-size: .9rem; color: var(--soft); font-weight: 400; letter-spacing: 0; }
h2 { margin: 2.6rem 0 .6rem; font-size: 1.15rem; }
h4 { margin: 1.1rem 0 .3rem; font-size: .78rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); }
p { margin: .4rem 0; max-width: 46rem; }
code, .method, .path { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .9em; }
details { border: 1px solid var(--line); border-radius: 8px; margin: .45rem 0; background: var(--wash); }
summary { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; padding: .55rem .9rem; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary .say { color: var(--soft); margin-left: auto; text-align: right; }
details[open] > summary { border-bottom: 1px solid var(--line); }
.inside { padding: .2rem .9rem 1rem; overflow-x: auto; }
.method { font-weight: 700; min-width: 4.2em; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); }
.patch { color: var(--patch); } .delete { color: var(--delete); }
.path { overflow-wrap: anywhere; } .path i { font-style: normal; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; }
td:first-child { white-space: nowrap; } .must { color: var(--delete); }
a { color: var(--post); }
@media (max-width: 50rem) { .frame { display: block; } nav { position: static; max-height: none; padding-bottom: 0; columns: 2; } }
"""


def render(document: Mapping[str, Any]) -> str:
    """The page. Every text of the document is escaped; `backquotes` become code."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append(_operation(path, method, operation))
    schemas = document["components"]["schemas"]
    links = "".join(f'<a href="#{_anchor(tag)}">{escape(tag)}</a>' for tag in [*by_tag, "Shapes"])
    calls = "".join(f'<h2 id="{_anchor(tag)}">{escape(tag)}</h2>{"".join(found)}' for tag, found in by_tag.items())
    shapes = "".join(_shape(name, schema) for name, schema in sorted(schemas.items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head><body><div class=frame>"
        f"<nav>{links}</nav><main><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>"
        f'{_paragraphs(info["description"])}<p>For programs: <a href="/openapi.json">openapi.json</a></p>'
        f"{calls}<h2 id=shapes>Shapes</h2>{shapes}</main></div></body></html>"
    )


def _anchor(text: str) -> str:
    return re.sub(r"\W+", "-", text).lower()


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(line)}</p>" for line in text.splitlines() if line)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    shown = re.sub(r"(\{\w+\})", r"<i>\1</i>", escape(path))
    parts = [f"<p>{_inline(operation['description'])}</p>"]
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
        f'<details id="{escape(operation["operationId"])}"><summary><span class="method {method}">{method.upper()}</span>'
        f"<span class=path>{shown}</span><span class=say>{_inline(operation['summary'])}</span></summary>"
        f"<div class=inside>{''.join(parts)}</div></details>"
    )


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [(escape(key), value, key in required) for key, value in schema.get("properties", {}).items()]
    return (
        f'<details id="shape-{_anchor(name)}"><summary><code>{escape(name)}</code>'
        f"<span class=say>{_inline(schema.get('description', '').partition(chr(10))[0])}</span></summary>"
        f"<div class=inside><p>{_inline(schema.get('description', ''))}</p>{_table(rows)}</div></details>"
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
