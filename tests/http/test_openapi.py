"""The OpenAPI document and the page: made from the table, whole, and true of what the calls answer."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from http_kit import Caller, House

from nextlead_adapters.http.app import routes
from nextlead_adapters.http.openapi import document
from nextlead_adapters.http.page import render
from nextlead_adapters.http.table import Access

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def doc() -> dict[str, Any]:
    return document(routes(manual_clock=True))


def operations(doc: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in doc["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from references(value)


def test_every_call_is_described(doc: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, method, _ in operations(doc)}
    assert described == {(route.method, route.path) for route in routes(manual_clock=True)}
    assert "/v1/clock" not in document(routes(manual_clock=False))["paths"]


def test_every_reference_leads_somewhere_and_every_shape_is_used(doc: dict[str, Any]) -> None:
    found = {reference.removeprefix("#/components/schemas/") for reference in references(doc)}
    assert found <= set(doc["components"]["schemas"])
    used = found | {name for name in doc["components"]["schemas"] if name in found}
    assert set(doc["components"]["schemas"]) - used == set()


def test_a_shape_has_a_name_of_its_own_and_no_modules(doc: dict[str, Any]) -> None:
    assert [name for name in doc["components"]["schemas"] if not re.fullmatch(r"\w+", name)] == []


def test_operation_ids_are_unique_and_parameters_are_those_of_the_path(doc: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(doc)]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations(doc):
        assert method in METHODS
        in_path = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
        assert in_path == re.findall(r"\{(\w+)\}", path)
        names = [(p["name"], p["in"]) for p in operation["parameters"]]
        assert len(names) == len(set(names)), (method, path)
        assert operation["summary"]
        assert operation["responses"]["default"]


def test_who_needs_a_token(doc: dict[str, Any]) -> None:
    access = {(route.method.lower(), route.path): route.access for route in routes(manual_clock=True)}
    for path, method, operation in operations(doc):
        free = access[method, path] is Access.ANYONE
        assert operation["security"] == ([] if free else operation["security"])
        assert free or {"bearer": []} in operation["security"]


def test_the_document_passes_a_validator(doc: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(doc)


def check(doc: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    """Enough of JSON Schema to hold an answer against its description."""
    if "$ref" in schema:
        schema = doc["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        assert any(passes(doc, each, value) for each in schema["anyOf"]), (where, value)
        return
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if "type" in schema:
        assert isinstance(value, kinds.get(schema["type"], type(None))), (where, value, schema)
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema.get("required", ())) <= set(value), (where, value)
        assert set(value) <= set(schema["properties"]), (where, set(value) - set(schema["properties"]))
        for key, each in value.items():
            check(doc, schema["properties"][key], each, f"{where}.{key}")
    if isinstance(value, list) and schema.get("items"):
        for each in value:
            check(doc, schema["items"], each, f"{where}[]")


def passes(doc: dict[str, Any], schema: dict[str, Any], value: Any) -> bool:
    try:
        check(doc, schema, value, "")
    except AssertionError:
        return False
    return True


HOURS_AND_LIMITS = {
    "calling_hours": {"windows": {"mon": [["09:00", "24:00"]]}, "days_off": ["2026-12-25"], "holidays": "US"},
    "contact_limits": [{"max": 3, "per": "P1D"}, {"pause_after_conversation": "P7D", "promised": True}],
}
SAMPLES = [
    ("POST", "/v1/agents/{code}/next", "/v1/agents/ann/next?explain=true", None),
    ("GET", "/v1/agents/{code}/lease", "/v1/agents/ann/lease", None),
    ("GET", "/v1/agents", "/v1/agents", None),
    ("GET", "/v1/campaigns/{code}", "/v1/campaigns/c1", None),
    ("POST", "/v1/campaigns/{code}/deactivate", "/v1/campaigns/c1/deactivate", None),
    ("POST", "/v1/agents/{code}/next", "/v1/agents/bob/next?explain=true", None),
    ("GET", "/v1/leads/{id}/explain", "/v1/leads/1/explain?agent=ann", None),
    ("GET", "/v1/agents/{code}/why-idle", "/v1/agents/bob/why-idle", None),
    ("GET", "/v1/why-idle", "/v1/why-idle", None),
    ("PATCH", "/v1/campaigns/{code}", "/v1/campaigns/c1", {"dialer": HOURS_AND_LIMITS}),
    ("GET", "/v1/limit-packs", "/v1/limit-packs", None),
    ("GET", "/v1/limit-packs/{name}", "/v1/limit-packs/us-florida", None),
    ("POST", "/v1/campaigns/{code}/limit-pack", "/v1/campaigns/c1/limit-pack", {"pack": "us-florida"}),
    ("PATCH", "/v1/settings", "/v1/settings", {"contact_limits": [{"min_gap": "PT1H"}]}),
    ("GET", "/v1/settings", "/v1/settings", None),
    ("POST", "/v1/tokens", "/v1/tokens", {"role": "agent", "agent": "ann"}),
    ("GET", "/v1/tokens", "/v1/tokens", None),
    ("GET", "/v1/pools", "/v1/pools", None),
    ("POST", "/v1/pools/bulk", "/v1/pools/bulk", {"ids": [1, 9], "action": "deactivate"}),
    ("POST", "/v1/leads/{id}/activities", "/v1/leads/2/activities", {"interaction": "sms", "direction": "in"}),
    ("GET", "/v1/leads", "/v1/leads?scheme=smartlists&public_status=sms%20in%20progress", None),
    ("GET", "/v1/leads/{id}", "/v1/leads/2?scheme=luckyonline", None),
    ("GET", "/v1/leads/{id}/history", "/v1/leads/2/history", None),
    (
        "PUT",
        "/v1/filters/{name}",
        "/v1/filters/x",
        {"filter": {"owner": "team:root", "due_before": "2026-03-02T10:00Z"}},
    ),
    ("GET", "/v1/filters", "/v1/filters", None),
    ("GET", "/v1/filters/{name}/leads", "/v1/filters/x/leads", None),
    ("GET", "/v1/schemes", "/v1/schemes", None),
    ("GET", "/v1/schemes/{name}", "/v1/schemes/smartlists", None),
    ("GET", "/v1/statistics", "/v1/statistics?scheme=luckyonline&from=2026-03-01T00:00:00Z", None),
    ("GET", "/v1/pools/{id}", "/v1/pools/1", None),
    ("POST", "/v1/do-not-call", "/v1/do-not-call", {"number": "+14155550199"}),
    ("GET", "/v1/do-not-call/{number}", "/v1/do-not-call/+14155550199", None),
    ("GET", "/v1/clock", "/v1/clock", None),
    ("GET", "/healthz", "/healthz", None),
]


async def test_answers_are_as_described(centre: Caller, doc: dict[str, Any]) -> None:
    for method, path, address, body in SAMPLES:
        answer = await centre.call(method, address, body)
        assert answer.is_success, (address, answer.text)
        described = doc["paths"][path][method.lower()]["responses"][str(answer.status_code)]
        check(doc, described["content"]["application/json"]["schema"], answer.json(), path)


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/v1/statistics", "text/csv"), ("/v1/statistics", "*/*"), ("/v1/statistics.csv", ""), ("/v1/leads.csv", "")],
)
async def test_an_answer_comes_as_one_of_the_media_described(
    centre: Caller, doc: dict[str, Any], path: str, accept: str
) -> None:
    answer = await centre.call("GET", path, headers={"accept": accept})
    described = doc["paths"][path]["get"]["responses"]["200"]["content"]
    is_text = described[answer.headers["content-type"]]["schema"] == {"type": "string"}
    assert is_text == (answer.headers["content-type"] != "application/json")


async def test_a_problem_is_as_described(centre: Caller, doc: dict[str, Any]) -> None:
    for status, path, body in ((400, "/v1/teams/x", {"nam": 1}), (404, "/v1/nowhere", {}), (422, "/v1/teams/a b", {})):
        problem = await centre.no(status, "PUT", path, body)
        check(doc, {"$ref": "#/components/schemas/Problem"}, problem, path)


async def test_the_document_is_served_to_anyone(house: House, doc: dict[str, Any]) -> None:
    answer = await house.caller(None).call("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["paths"].keys() == doc["paths"].keys()
    assert answer.json()["openapi"] == "3.1.0"


class Page(HTMLParser):
    """Collects ids, links and what would be fetched; notes tags that don't match."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given["href"])
        if tag in ("script", "link", "img", "iframe") or "src" in given:
            self.fetched.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_page_names_every_call_and_fetches_nothing(house: House, doc: dict[str, Any]) -> None:
    answer = await house.caller(None).call("GET", "/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Page()
    page.feed(answer.text)
    assert page.open == []
    assert page.fetched == []
    assert len(page.ids) == len(set(page.ids))
    assert {operation["operationId"] for _, _, operation in operations(doc)} <= set(page.ids)
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)
    assert "@import" not in answer.text
    assert "url(" not in answer.text


async def test_the_type_of_a_problem_leads_to_a_place_on_the_page(house: House, centre: Caller) -> None:
    page = (await house.caller(None).call("GET", "/docs")).text
    for status, path in ((404, "/v1/teams/x"), (400, "/v1/teams?limit=x"), (422, "/v1/leads?after=x")):
        place, _, anchor = (await centre.no(status, "GET", path))["type"].partition("#")
        assert place == "/docs"
        assert f'id="{anchor}"' in page


def test_the_page_has_whole_sentences_in_its_paragraphs(doc: dict[str, Any]) -> None:
    page = render(doc)
    assert "Without <code>from</code>, all leads count" in page
    assert not [text for text in re.findall(r"<p>(.*?)</p>", page) if "`" in text or "\n" in text]
    assert "<p>For: supervisor, admin.</p>" in page


def test_the_page_escapes_what_it_shows(doc: dict[str, Any]) -> None:
    doc["info"]["description"] = "<script>alert(1)</script> `a<b`"
    page = render(doc)
    assert "<script>" not in page
    assert "<code>a&lt;b</code>" in page
