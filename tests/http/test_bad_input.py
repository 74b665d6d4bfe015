"""Bad input: each a clear problem answer, nothing changed, never a 5xx."""

from typing import Any

import msgspec
import pytest
from http_kit import BODY_MAX, Caller, House

from nextlead.core.model import Status
from nextlead_adapters.http.app import create_app

LATER = "2026-03-03T10:00:00Z"


async def lease_of(centre: Caller) -> str:
    return str((await centre.ok("POST", "/v1/agents/ann/next"))["token"])


REFUSED_FINISHES = [
    ({}, 400, "outcome"),
    ({"outcome": "sold"}, 400, "outcome"),
    ({"outcome": "resolved"}, 400, "result"),
    ({"outcome": "resolved", "result": "sold"}, 422, "result"),
    ({"outcome": "resolved", "result": "success", "cause": "busy"}, 400, "cause"),
    ({"outcome": "resolved", "result": "success", "data": {"nam": "x"}}, 422, "data.nam"),
    ({"outcome": "resolved", "result": "success", "data": {"age": "old"}}, 422, "data.age"),
    ({"outcome": "resolved", "result": "success", "data": {"age": [1]}}, 400, "data[...]"),
    ({"outcome": "resolved", "result": "success", "number": "12"}, 422, "number"),
    ({"outcome": "resolved", "result": "success", "number": "+14155550999"}, 422, "number"),
    ({"outcome": "redial", "kind": "private", "at": "2026-03-03T10:00:00"}, 400, "at"),
    ({"outcome": "redial", "kind": "private", "at": 1772532000}, 400, "at"),
    ({"outcome": "redial", "kind": "private", "at": "2026-03-02T08:00:00Z"}, 422, "at"),
    ({"outcome": "redial", "kind": "private", "at": "2036-03-02T08:00:00Z"}, 422, "at"),
    ({"outcome": "redial", "kind": "secret", "at": LATER}, 400, "kind"),
    ({"outcome": "unreached", "cause": "asleep"}, 400, "cause"),
    ({"outcome": "unreached", "cause": "busy", "next": "yes"}, 400, "next"),
    ({"outcome": "unreached", "cause": "busy", "note": "x" * 10_001}, 400, "note"),
]


@pytest.mark.parametrize(("body", "status", "field"), REFUSED_FINISHES)
async def test_a_finish_that_is_not_right_names_the_field_and_changes_nothing(
    centre: Caller, body: dict[str, Any], status: int, field: str
) -> None:
    token = await lease_of(centre)
    before = await centre.ok("GET", "/v1/agents/ann/lease")
    problem = await centre.no(status, "POST", f"/v1/leases/{token}/finish", body)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["message"]
    assert await centre.ok("GET", "/v1/agents/ann/lease") == before


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "choices"),
    [
        (
            "POST",
            "/v1/pools/bulk",
            {"ids": [1], "action": "hide"},
            "action",
            "activate, confirm, deactivate, delete, shuffle",
        ),
        (
            "GET",
            "/v1/pools?state=gone",
            None,
            "state",
            "active, awaiting_confirmation, failed, inactive, loading, rejected",
        ),
        (
            "PATCH",
            "/v1/campaigns/spring",
            {"upload_rules": {"on_invalid": "drop"}},
            "upload_rules.on_invalid",
            "close, file",
        ),
        (
            "PATCH",
            "/v1/campaigns/spring",
            {"template": {"fields": [{"name": "a"}, {"name": "b", "type": "money"}]}},
            "template.fields[1].type",
            "boolean, date, email, number, phone, text",
        ),
        (
            "POST",
            "/v1/leases/1-00000000000000000000000000000000/finish",
            {"outcome": "sold"},
            "outcome",
            "cancelled, redial, resolved, unreached, unresolved",
        ),
    ],
)
async def test_a_wrong_choice_is_told_the_right_ones(
    method: str, path: str, body: dict[str, Any] | None, field: str, choices: str, centre: Caller
) -> None:
    problem = await centre.no(400, method, path, body)
    [error] = problem["errors"]
    assert error["field"] == field
    start, _, said = error["message"].partition("must be one of ")
    assert (start, sorted(said.split(", "))) == ("", choices.split(", "))


async def test_a_time_without_an_offset_says_so(centre: Caller) -> None:
    token = await lease_of(centre)
    body = {"outcome": "redial", "kind": "private", "at": "2026-03-03T10:00:00"}
    problem = await centre.no(400, "POST", f"/v1/leases/{token}/finish", body)
    assert "offset" in problem["errors"][0]["message"]


@pytest.mark.parametrize(
    "token",
    ["1-" + "0" * 32, "nonsense", "1-", "-" + "0" * 32, "99999999999999999-" + "0" * 32, "1-" + "g" * 32, "%00"],
)
async def test_an_unknown_lease_token(centre: Caller, token: str) -> None:  # R5.1
    await lease_of(centre)
    for call, body in (("finish", {"outcome": "cancelled"}), ("heartbeat", None), ("end", {"outcome": "cancelled"})):
        problem = await centre.no(404, "POST", f"/v1/leases/{token}/{call}", body)
        assert problem["code"] == "unknown_lease"


async def test_an_ended_lease_is_a_conflict(centre: Caller) -> None:  # R5.3
    token = await lease_of(centre)
    await centre.ok("POST", f"/v1/leases/{token}/finish", {"outcome": "unreached", "cause": "busy"})
    other = {"outcome": "unreached", "cause": "no_answer"}
    assert (await centre.no(409, "POST", f"/v1/leases/{token}/finish", other))["code"] == "lease_ended"
    assert (await centre.no(409, "POST", f"/v1/leases/{token}/heartbeat"))["code"] == "lease_ended"


BAD_JSON = [b"{", b"nonsense", b'{"outcome"', b"\xff\xfe", b'"\xed\xa0\x80"', b"[" * 100_000, b'{"a":' * 5_000]


@pytest.mark.parametrize("body", BAD_JSON)
async def test_what_is_not_json(centre: Caller, body: bytes) -> None:
    if len(body) > BODY_MAX:
        body = body[:BODY_MAX]
    headers = {"content-type": "application/json"}
    for path in ("/v1/leads", "/v1/agents/ann/next", "/v1/leads/1/reopen"):
        problem = await centre.no(400, "POST", path, content=body, headers=headers)
        assert problem["code"] in ("malformed_json", "malformed")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"', b"true"])
async def test_json_that_is_no_object(centre: Caller, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    problem = await centre.no(400, "POST", "/v1/agents/ann/next", content=body, headers=headers)
    assert problem["code"] == "malformed"


async def test_deep_nesting_and_lone_surrogates_in_leads(centre: Caller) -> None:
    headers = {"content-type": "application/json"}
    deep = b'{"campaign": "c1", "leads": [' + b"[" * 10_000 + b"]" * 10_000 + b"]}"
    assert (await centre.no(400, "POST", "/v1/leads", content=deep, headers=headers))["code"] == "malformed_json"
    lone = b'{"campaign": "c1", "leads": [{"phone": "+14155550150", "data": {"name": "\\ud800"}}]}'
    answer = await centre.call("POST", "/v1/leads", content=lone, headers=headers)
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json", ""]
)
async def test_a_wrong_content_type(centre: Caller, media: str) -> None:
    problem = await centre.no(
        415, "POST", "/v1/agents/ann/next", content=b'{"wait": 0}', headers={"content-type": media}
    )
    assert problem["code"] == "unsupported_media_type"


async def test_a_compressed_body_is_not_taken(centre: Caller) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    await centre.no(415, "POST", "/v1/agents/ann/next", content=b"{}", headers=headers)


@pytest.mark.parametrize(
    "media", ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"]
)
async def test_a_right_content_type(centre: Caller, media: str) -> None:
    headers = {"content-type": media}
    answer = await centre.call("PATCH", "/v1/leads/1", content=b'{"priority": 3}', headers=headers)
    assert answer.json()["priority"] == 3


async def test_an_oversize_body(centre: Caller) -> None:
    body = {"campaign": "c1", "leads": [{"phone": "x" * BODY_MAX}]}
    problem = await centre.no(413, "POST", "/v1/leads", body)
    assert problem["code"] == "too_large"


async def test_an_oversize_body_of_unsaid_length(centre: Caller) -> None:
    async def pieces() -> Any:
        for _ in range(BODY_MAX // 1000 + 1):
            yield b" " * 1000

    headers = {"content-type": "application/json"}
    await centre.no(413, "POST", "/v1/leads", content=pieces(), headers=headers)


REFUSED = [
    ("PUT", "/v1/teams/x", {"name": 1}, 400, "name"),
    ("PUT", "/v1/teams/x", {"nam": "x"}, 400, "nam"),
    ("PUT", "/v1/teams/x", {"name": "x" * 201}, 400, "name"),
    ("PUT", "/v1/teams/x", {"parent": "nowhere"}, 422, "parent"),
    ("PUT", "/v1/teams/t", {"parent": "t"}, 422, "parent"),
    ("PUT", "/v1/teams/a%20b", {}, 422, "code"),
    ("PUT", "/v1/teams/" + "x" * 65, {}, 422, "code"),
    ("PUT", "/v1/agents/x", {"team": "nowhere"}, 422, "team"),
    ("PUT", "/v1/agents/x", {"campaigns": ["c1", "c2"]}, 422, "campaigns[1]"),
    ("PUT", "/v1/agents/x", {"campaigns": "c1"}, 400, "campaigns"),
    ("PUT", "/v1/agents/x", {"may_set": ["secret"]}, 400, "may_set[0]"),
    ("PUT", "/v1/campaigns/x", {"project": "nowhere"}, 422, "project"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"lease_timeout": "soon"}}, 400, "dialer.lease_timeout"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"lease_timeout": "PT0S"}}, 400, "dialer.lease_timeout"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"lease_timeout": 3600}}, 400, "dialer.lease_timeout"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"priority": 0}}, 400, "dialer.priority"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"retry": {"busy": []}}}, 400, "dialer.retry.busy"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"retry": {"asleep": ["1h"]}}}, 400, "dialer.retry.asleep"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"release_private_after": "same"}}, 400, "dialer.release_private_after"),
    ("PUT", "/v1/campaigns/x", {"dialer": {"weight": -1}}, 400, "dialer.weight"),
    ("PUT", "/v1/campaigns/x", {"template": {"fields": [{"name": "a"}, {"name": "A "}]}}, 400, "template.fields[1]"),
    ("PUT", "/v1/campaigns/x", {"template": {"results": [{"code": "x"}]}}, 400, "template.results[0].label"),
    ("PUT", "/v1/campaigns/x", {"scheme": "villain"}, 422, "scheme"),
    ("PATCH", "/v1/settings", {"abandon_after": "-1d"}, 400, "abandon_after"),
    ("PATCH", "/v1/settings", {"leases_per_agent": 0}, 400, "leases_per_agent"),
    ("PATCH", "/v1/settings", {"default_region": "us"}, 400, "default_region"),
    ("PATCH", "/v1/settings", {"default_region": "XX"}, 422, "default_region"),
    ("PATCH", "/v1/campaigns/c1", {"default_region": "XX"}, 422, "default_region"),
    ("PATCH", "/v1/campaigns/c1", {"dialer": {"weight": 1e-300}}, 400, "dialer.weight"),
    ("POST", "/v1/tokens", {"role": "king"}, 400, "role"),
    ("POST", "/v1/tokens", {"role": "agent"}, 400, "agent"),
    ("POST", "/v1/tokens", {"role": "admin", "agent": "ann"}, 400, "agent"),
    ("POST", "/v1/tokens", {"role": "agent", "agent": "nobody"}, 422, "agent"),
    ("PUT", "/v1/agents/ann/session", {}, 400, "campaigns"),
    ("PUT", "/v1/agents/ann/session", {"campaigns": ["c2"]}, 422, "campaigns[0]"),
    ("POST", "/v1/agents/ann/next", {"wait": 61}, 400, "wait"),
    ("POST", "/v1/agents/ann/next", {"wait": -1}, 400, "wait"),
    ("POST", "/v1/agents/ann/take", {"lead": 0}, 400, "lead"),
    ("POST", "/v1/leads", {"campaign": "c2", "leads": [{}]}, 422, "campaign"),
    ("POST", "/v1/leads", {"campaign": "c1", "leads": []}, 400, "leads"),
    ("POST", "/v1/leads", {"campaign": "c1", "leads": [{}], "owner": "ann"}, 400, "owner"),
    ("POST", "/v1/leads", {"campaign": "c1", "leads": [{}], "owner": {"agent": "nobody"}}, 422, "owner"),
    ("POST", "/v1/leads", {"campaign": "c1", "leads": [{}], "on_invalid": "keep"}, 400, "on_invalid"),
    ("POST", "/v1/leads", {"campaign": "c1", "leads": [{}], "duplicates": {"action": "x"}}, 400, "duplicates.action"),
    ("PATCH", "/v1/leads/1", {"priority": 1001}, 400, "priority"),
    ("PATCH", "/v1/leads/1", {"owner": "team:nowhere"}, 422, "owner"),
    ("PATCH", "/v1/leads/1", {"due": "2026-03-02T10:00:00"}, 400, "due"),
    ("PATCH", "/v1/leads/1", {"data": {"x": 1}}, 422, "data.x"),
    ("POST", "/v1/leads/1/urgent", {"reason": "hot_lead"}, 400, "expires"),
    ("POST", "/v1/leads/1/urgent", {"reason": "hot_lead", "expires": "2026-03-02T08:59:59Z"}, 422, "expires"),
    ("POST", "/v1/leads/1/urgent", {"reason": "bored", "expires": LATER}, 400, "reason"),
    ("POST", "/v1/leads/1/validate", {"passed": "yes"}, 400, "passed"),
    ("PATCH", "/v1/pools/1", {"active_from": LATER, "active_until": "2026-03-02T00:00:00Z"}, 422, "active_until"),
    ("PATCH", "/v1/pools/1", {"name": ""}, 400, "name"),
    ("POST", "/v1/pools/1/shuffle", {"seed": -1}, 400, "seed"),
    ("POST", "/v1/pools/bulk", {"ids": [1], "action": "burn"}, 400, "action"),
    ("POST", "/v1/pools/bulk", {"ids": [], "action": "activate"}, 400, "ids"),
    ("POST", "/v1/do-not-call", {"number": "hello"}, 422, "number"),
    ("POST", "/v1/clock", {}, 400, "now"),
    ("POST", "/v1/clock", {"now": LATER, "advance": "1h"}, 400, "now"),
    ("POST", "/v1/clock", {"now": "2026-03-02T08:59:59Z"}, 422, "now"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "field"), REFUSED)
async def test_a_field_that_is_not_right_is_named(
    house: House, centre: Caller, method: str, path: str, body: dict[str, Any], status: int, field: str
) -> None:
    before = await state_of(house)
    problem = await centre.no(status, method, path, body)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert await state_of(house) == before


async def state_of(house: House) -> bytes:
    """All set-up and all leads, to see that nothing has changed."""
    engine = house.dialer.engine
    kinds = (engine.teams, engine.agents, engine.projects, engine.campaigns, engine.pools.values())
    rows = [list(kind) for kind in kinds]
    leads = [engine.lead(lead) for lead in range(1, engine.sequences.lead)]
    tokens = list(engine.tokens.values())
    return msgspec.json.encode([rows, leads, tokens, engine.settings, engine.sequences, list(engine.blocked.values())])


BAD_QUERIES = [
    ("/v1/leads?limit=0", 400, "limit"),
    ("/v1/leads?limit=1001", 400, "limit"),
    ("/v1/leads?limit=ten", 400, "limit"),
    ("/v1/leads?limit=" + "9" * 5000, 400, "limit"),
    ("/v1/leads?status=open", 400, "status"),
    ("/v1/leads?stat=closed", 400, "stat"),
    ("/v1/leads?after=x", 422, "after"),
    ("/v1/leads?campaign=nowhere", 422, "campaign"),
    ("/v1/leads?owner=ann", 400, "owner"),
    ("/v1/leads?owner=agent:nobody", 422, "owner"),
    ("/v1/leads?phone=hello", 422, "phone"),
    ("/v1/leads?due_before=2026-03-02T10:00:00", 400, "due_before"),
    ("/v1/leads?" + "&".join(["q=x"] * 51), 400, ""),
    ("/v1/leads?%ff=%ff", 400, "\ufffd"),
    ("/v1/pools?state=on", 400, "state"),
    ("/v1/leads/1/history?after=-1", 422, "after"),
    ("/v1/do-not-call?scope=ours", 400, "scope"),
    ("/v1/do-not-call?after=x", 422, "after"),
    ("/v1/pools?active=perhaps", 400, "active"),
    ("/v1/do-not-call/hello", 422, "number"),
]


@pytest.mark.parametrize(("path", "status", "field"), BAD_QUERIES)
async def test_a_query_that_is_not_right_is_named(centre: Caller, path: str, status: int, field: str) -> None:
    problem = await centre.no(status, "GET", path)
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/",
        "/v1/",
        "/v1/team",
        "/v1/teams/",
        "/v1/leads/1/anonymise",
        "/v1/statistic",
        "/v1/filters/x/y",
        "/%00",
        "//",
    ],
)
async def test_an_address_that_does_not_exist(centre: Caller, path: str) -> None:
    assert (await centre.no(404, "POST", path))["code"] == "not_found"


@pytest.mark.parametrize("lead", ["0", "9", "-1", "x", "1.0", "1" * 15, "9" * 400, "%D9%A1", "1e3"])
async def test_a_lead_that_is_not_there(centre: Caller, lead: str) -> None:
    for method, path in (("GET", ""), ("PATCH", ""), ("GET", "/history"), ("POST", "/release"), ("POST", "/remove")):
        problem = await centre.no(404, method, f"/v1/leads/{lead}{path}")
        assert problem["code"] == "not_found"


async def test_a_method_that_an_address_does_not_take(centre: Caller) -> None:
    answer = await centre.call("DELETE", "/v1/settings")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, PATCH"
    assert (await centre.no(405, "POST", "/v1/teams/t"))["code"] == "method_not_allowed"


async def test_head_is_like_get(centre: Caller) -> None:
    assert (await centre.call("HEAD", "/v1/settings")).status_code == 200


async def test_a_status_that_does_not_allow_it_says_which_it_is(house: House, centre: Caller) -> None:  # R1.4
    problem = await centre.no(409, "POST", "/v1/leads/1/release")
    assert (problem["code"], problem["facts"]["status"]) == ("wrong_status", "unprocessed")
    found = house.dialer.engine.lead(1)
    assert found is not None
    assert found.status is Status.UNPROCESSED


async def test_a_leased_lead_is_not_edited(centre: Caller) -> None:  # R1.5
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    problem = await centre.no(409, "PATCH", f"/v1/leads/{lease['lead']['id']}", {"owner": "agent:bob"})
    assert problem["code"] == "leased"


async def test_next_without_a_session(centre: Caller) -> None:  # R3.1
    await centre.ok("DELETE", "/v1/agents/ann/session")
    assert (await centre.no(409, "POST", "/v1/agents/ann/next"))["code"] == "no_session"


async def test_the_clock_is_not_there_without_the_flag(house: House) -> None:
    app = create_app(house.tenants)
    assert (await Caller(app, None, {}).no(404, "GET", "/v1/clock"))["code"] == "not_found"
