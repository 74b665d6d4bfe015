"""`docs/http.md` names every call there is, and none that isn't; every code of a problem is in its table."""

import re
from pathlib import Path

from nextlead_adapters.cli.explaining import REASONS
from nextlead_adapters.http.app import routes
from nextlead_adapters.http.openapi import document
from nextlead_adapters.http.problems import catalogue

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
METHOD = "GET|PUT|PATCH|POST|DELETE"


def named() -> set[tuple[str, str]]:
    """In the tables, `GET`, `PUT /v1/x` are two calls: a method without an address has the next one's."""
    tables = "\n".join(line for line in PAGE.splitlines() if line.startswith("| `"))
    calls, waiting = set(), []
    for method, path in re.findall(rf"`({METHOD})(?: (/[^`? ]+))?`", tables):
        waiting.append(method)
        if path:
            calls |= {(each, path) for each in waiting}
            waiting = []
    return calls


def test_every_call_is_named() -> None:
    assert named() == {(route.method, route.path) for route in routes(manual_clock=True)}


def test_every_code_of_a_refusal_is_named() -> None:
    codes = {str(problem["code"]) for problem in catalogue()}
    assert {code for code in codes if f"`{code}`" not in PAGE} == {"internal_error"}


def test_every_reason_that_keeps_leads_back_is_named() -> None:  # R14.3
    described = document(routes(manual_clock=False))["components"]["schemas"]["IdleView"]["description"]
    for text in (PAGE[PAGE.index("| kept back by |") :], described):
        assert [reason for reason in REASONS if f"`{reason}`" not in text] == []
