"""The OpenAPI 3.1 document, made from the route table. Pure: a table in, a document out."""

import inspect
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from .problems import MEDIA, Problem, catalogue
from .table import Access, NoQuery, Route
from .values import schema_hook

REF: Final = "#/components/schemas/{name}"
_PARAM: Final = re.compile(r"\{(\w+)\}")
_PARAMS: Final[Mapping[str, dict[str, Any]]] = {
    "id": {"type": "integer", "minimum": 1, "maximum": 10**15 - 1},
    "code": {"type": "string", "pattern": r"^[\w.@+~-]{1,64}$", "description": "Letters are those of any language."},
    "token": {"type": "string", "pattern": "^[0-9a-f]{1,16}-[0-9a-f]{32}$", "description": "The lease's token."},
    "name": {"type": "string", "minLength": 1, "maxLength": 100, "description": "Printable, without a slash."},
    "number": {"type": "string", "description": "E.164, or in national form.", "examples": ["+14155550100"]},
}
_ROLES: Final = {
    Access.AGENT: "agent (its own only), supervisor, admin",
    Access.SUPERVISOR: "supervisor, admin",
    Access.ADMIN: "admin",
    Access.OPERATOR: "operator",
    Access.METRICS: "metrics, admin; nobody's token when bound to loopback",
    Access.ANYONE: "anyone",
}
_DESCRIPTION: Final = """\
Times are RFC 3339 with an offset, answers are in UTC. Durations are ISO 8601; `3h30m` is understood too.

Ranges are half-open. A body is partial: what is absent stays as it is.

Lists answer `items` and `next`, the cursor for `?after=`.

Any POST but `next` takes an `Idempotency-Key`: the same key and body gives the first answer again for 24 hours.

What goes wrong is a problem document (RFC 9457) with a stable `code`; bad input is named in `errors`."""


def package_version() -> str:
    """Of the installed distribution; 0 in a bare checkout."""
    try:
        return version("nextlead")
    except PackageNotFoundError:
        return "0"


def document(table: Sequence[Route]) -> dict[str, Any]:
    """The whole document, of JSON's own types only."""
    kinds = _kinds(table)
    schemas, components = msgspec.json.schema_components(kinds, schema_hook=schema_hook, ref_template=REF)
    schema_of = {_key(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schema_of, components)
    queries = {route.query.__name__ for route in table}
    found = {
        "openapi": "3.1.0",
        "info": {"title": "nextlead", "version": package_version(), "description": _DESCRIPTION},
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in table)],
        "paths": paths,
        "x-problems": catalogue(),
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }
    return msgspec.json.decode(msgspec.json.encode(found), type=dict[str, Any])


def _kinds(table: Sequence[Route]) -> list[Any]:
    found: dict[str, Any] = {_key(Problem): Problem}
    for route in table:
        for kind in (route.body, route.form, route.answer, route.instead, route.query):
            if kind is not None:
                found[_key(kind)] = kind
    return list(found.values())


def _key(kind: Any) -> str:
    return repr(kind)


def operation(route: Route, schema_of: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, Any]:
    """One call."""
    found: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "description": _description(route),
        "parameters": [*_path_parameters(route), *_query_parameters(route, components), *_header_parameters(route)],
        "responses": _responses(route, schema_of),
        "security": _security(route.access),
    }
    if route.body is not None or route.form is not None:
        found["requestBody"] = _request_body(route, schema_of)
    return found


def _description(route: Route) -> str:
    """What the handler's docstring says, and for whom it is."""
    said = inspect.getdoc(route.handler) if inspect.isfunction(route.handler) else None
    return "\n\n".join(filter(None, (said, f"For: {_ROLES[route.access]}.")))


def operation_id(route: Route) -> str:
    """`post_agents_code_next`: unique, as method and path are."""
    words = re.sub(r"[^a-zA-Z0-9]+", "_", route.path.removeprefix("/v1")).strip("_")
    return f"{route.method.lower()}_{words}"


def _security(access: Access) -> list[dict[str, list[str]]]:
    if access is Access.ANYONE:
        return []
    return [{"bearer": []}, {}] if access is Access.METRICS else [{"bearer": []}]


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _PARAMS[name]} for name in _PARAM.findall(route.path)
    ]


def _query_parameters(route: Route, components: Mapping[str, Any]) -> list[dict[str, Any]]:
    shape = components[route.query.__name__]
    required = shape.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in shape["properties"].items()
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if route.method != "POST" or not route.repeatable:
        return []
    rule = "The same key and body gets the first answer again for 24 hours."
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "description": rule}
    return [{"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}]


def _request_body(route: Route, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.body is not None:
        content["application/json"] = {"schema": schema_of[_key(route.body)]}
    if route.form is not None:
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        form = {
            "type": "object",
            "properties": {"file": file, "options": schema_of[_key(route.form)]},
            "required": ["file", "options"],
        }
        content["multipart/form-data"] = {"schema": form, "encoding": {"options": {"contentType": "application/json"}}}
    return {"required": route.form is not None or _is_needed(route.body), "content": content}


def _is_needed(body: Any) -> bool:
    """Whether an empty body would be refused."""
    kinds = getattr(body, "__args__", (body,))
    return any(field.required for kind in kinds for field in msgspec.structs.fields(kind)) or len(kinds) > 1


def _responses(route: Route, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    answers = [schema_of[_key(answer)] for answer in (route.answer, route.instead) if answer is not None]
    content = {route.media: {"schema": answers[0] if len(answers) == 1 else {"anyOf": answers}}} if answers else None
    if content and route.or_media:
        content[route.or_media] = {"schema": {"type": "string"}}
    found: dict[str, Any] = {str(route.status): {"description": "Done."}}
    if content:
        found[str(route.status)]["content"] = content
    for status, text in route.also.items():
        found[str(status)] = {"description": text} | ({} if status == 204 or content is None else {"content": content})
    problem = {MEDIA: {"schema": schema_of[_key(Problem)]}}
    for refusal in _refusals(route):
        found.setdefault(str(refusal), {"description": _REFUSED[refusal], "content": problem})
    return found | {"default": {"description": "A problem (RFC 9457).", "content": problem}}


_REFUSED: Final = {
    400: "The request is malformed.",
    401: "No valid token.",
    403: "Not for this role.",
    404: "Not there, or not for this token to see.",
    409: "The present state does not allow it.",
    413: "The body is too large.",
    415: "The body is of the wrong type.",
    422: "Well-formed, but not allowed.",
    503: "Not now: see `Retry-After`.",
}


def _refusals(route: Route) -> list[int]:
    """The statuses of its refusals."""
    if route.access is Access.ANYONE:
        return []
    changes, has_body = route.method != "GET", route.body is not None or route.form is not None
    asked = has_body or route.query is not NoQuery
    found = {
        400: asked or (route.repeatable and route.method == "POST"),
        401: True,
        403: True,
        404: "{" in route.path,
        409: changes,
        413: has_body,
        415: has_body,
        422: changes or asked,
        503: True,
    }
    return [status for status, there in found.items() if there]
