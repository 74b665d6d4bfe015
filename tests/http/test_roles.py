"""Who may call what: the table of docs/http.md as data, every call tried with every role."""

import pytest
from http_kit import Caller, House, token_of

from nextlead_adapters.http.app import routes

LOWEST_ROLE = """
anyone      GET /healthz
anyone      GET /readyz
anyone      GET /openapi.json
anyone      GET /docs
metrics     GET /metrics
operator    GET /v1/clock
operator    POST /v1/clock
operator    GET /v1/backup
operator    GET /v1/organisations
operator    POST /v1/organisations
operator    GET /v1/organisations/{code}
operator    PATCH /v1/organisations/{code}
operator    POST /v1/organisations/{code}/token
agent       PUT /v1/agents/{code}/session
agent       DELETE /v1/agents/{code}/session
agent       POST /v1/agents/{code}/next
agent       GET /v1/agents/{code}/lease
agent       POST /v1/agents/{code}/take
agent       GET /v1/agents/{code}/redials
agent       GET /v1/agents/{code}/unresolved
agent       POST /v1/leases/{token}/finish
agent       POST /v1/leases/{token}/heartbeat
agent       POST /v1/leads/{id}/resolve
agent       GET /v1/leads/{id}
agent       GET /v1/leads/{id}/history
agent       GET /v1/leads/{id}/explain
agent       POST /v1/leads/{id}/activities
agent       GET /v1/agents/{code}/why-idle
supervisor  GET /v1/why-idle
supervisor  POST /v1/leases/{token}/end
supervisor  POST /v1/agents/{code}/release-all
supervisor  GET /v1/teams
supervisor  GET /v1/teams/{code}
supervisor  GET /v1/agents
supervisor  GET /v1/agents/{code}
supervisor  GET /v1/projects
supervisor  GET /v1/projects/{code}
supervisor  GET /v1/campaigns
supervisor  GET /v1/campaigns/{code}
supervisor  GET /v1/settings
supervisor  GET /v1/limit-packs
supervisor  GET /v1/limit-packs/{name}
supervisor  GET /v1/schemes
supervisor  GET /v1/schemes/{name}
supervisor  GET /v1/statistics
supervisor  GET /v1/statistics.csv
supervisor  GET /v1/pools
supervisor  GET /v1/pools/{id}
supervisor  GET /v1/pools/{id}/invalid.csv
supervisor  GET /v1/pools/{id}/duplicates.csv
supervisor  GET /v1/pools/{id}/log
supervisor  GET /v1/pools/{id}/statistics.csv
supervisor  GET /v1/pools/{id}/original
supervisor  POST /v1/leads/bulk
supervisor  GET /v1/leads
supervisor  GET /v1/leads.csv
supervisor  GET /v1/filters
supervisor  GET /v1/filters/{name}
supervisor  PUT /v1/filters/{name}
supervisor  DELETE /v1/filters/{name}
supervisor  GET /v1/filters/{name}/leads
supervisor  PATCH /v1/leads/{id}
supervisor  POST /v1/leads/{id}/release
supervisor  POST /v1/leads/{id}/remove
supervisor  POST /v1/leads/{id}/urgent
supervisor  POST /v1/leads/{id}/validate
supervisor  GET /v1/do-not-call
supervisor  GET /v1/do-not-call/{number}
supervisor  POST /v1/do-not-call
supervisor  GET /v1/events
admin       DELETE /v1/do-not-call
admin       POST /v1/do-not-call/import
admin       POST /v1/anonymize
admin       POST /v1/leads/{id}/anonymize
admin       POST /v1/pools/{id}/cancel
admin       POST /v1/pools/{id}/resume
admin       PUT /v1/teams/{code}
admin       PATCH /v1/teams/{code}
admin       DELETE /v1/teams/{code}
admin       PUT /v1/agents/{code}
admin       PATCH /v1/agents/{code}
admin       DELETE /v1/agents/{code}
admin       PUT /v1/projects/{code}
admin       PATCH /v1/projects/{code}
admin       DELETE /v1/projects/{code}
admin       PUT /v1/campaigns/{code}
admin       PATCH /v1/campaigns/{code}
admin       DELETE /v1/campaigns/{code}
admin       POST /v1/campaigns/{code}/activate
admin       POST /v1/campaigns/{code}/deactivate
admin       POST /v1/campaigns/{code}/limit-pack
admin       PATCH /v1/settings
admin       GET /v1/tokens
admin       POST /v1/tokens
admin       DELETE /v1/tokens/{id}
admin       POST /v1/pools
admin       POST /v1/pools/bulk
admin       PATCH /v1/pools/{id}
admin       DELETE /v1/pools/{id}
admin       POST /v1/pools/{id}/confirm
admin       POST /v1/pools/{id}/reject
admin       POST /v1/pools/{id}/activate
admin       POST /v1/pools/{id}/deactivate
admin       POST /v1/pools/{id}/shuffle
admin       POST /v1/leads
admin       POST /v1/leads/{id}/reopen
"""
TABLE = {tuple(line.split()[1:]): line.split()[0] for line in LOWEST_ROLE.split("\n") if line}
MAY = {
    "anyone": {"none", "agent", "supervisor", "admin", "metrics", "operator"},
    "agent": {"agent", "supervisor", "admin", "operator"},
    "supervisor": {"supervisor", "admin", "operator"},
    "admin": {"admin", "operator"},
    "operator": {"operator"},
    "metrics": {"metrics", "admin", "operator"},
}
NO_LEASE = "7-" + "0" * 32
PLACES = {"{code}": "ann", "{id}": "1", "{token}": NO_LEASE, "{number}": "+14155550100"}


def address(path: str) -> str:
    for name, value in PLACES.items():
        path = path.replace(name, value)
    return path


def test_the_table_names_every_call() -> None:
    assert {(route.method, route.path) for route in routes(manual_clock=True)} == set(TABLE)


@pytest.mark.parametrize("role", ["none", "agent", "supervisor", "admin", "metrics", "operator"])
async def test_every_call_with_every_role(house: House, centre: Caller, role: str) -> None:
    if role == "none":
        caller = house.caller(None)
    elif role == "operator":
        caller = centre
    else:
        caller = house.caller(await token_of(centre, role, "ann" if role == "agent" else None))
    for (method, path), lowest in TABLE.items():
        if role in MAY[lowest]:
            if path == "/v1/events":
                continue  # it would not end; test_watching.py has it
            # A field that does not exist: whoever may call gets as far as a 400 or the answer, and nothing changes.
            answer = await caller.call(method, address(path), {"?": 1} if method in ("POST", "PUT", "PATCH") else None)
            assert answer.status_code not in (401, 403, 500), (method, path, answer.text)
        else:
            code = "unauthorized" if role == "none" else "forbidden"
            problem = await caller.no(401 if role == "none" else 403, method, address(path))
            assert problem["code"] == code, (method, path)


OWN = [(method, path) for (method, path), lowest in TABLE.items() if lowest == "agent" and "{code}" in path]


@pytest.mark.parametrize(("method", "path"), OWN)
async def test_an_agents_token_reaches_no_other_agent(house: House, centre: Caller, method: str, path: str) -> None:
    ann = house.caller(await token_of(centre, "agent", "ann"))
    there = await ann.no(404, method, path.replace("{code}", "bob"))
    absent = await ann.no(404, method, path.replace("{code}", "nobody"))
    assert there["code"] == absent["code"] == "not_found"


async def test_an_agents_token_reaches_no_other_agents_lease(house: House, centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/bob/next")
    ann = house.caller(await token_of(centre, "agent", "ann"))
    finish = {"outcome": "resolved", "result": "success"}
    assert (await ann.no(404, "POST", f"/v1/leases/{lease['token']}/finish", finish))["code"] == "unknown_lease"
    assert (await ann.no(404, "POST", f"/v1/leases/{lease['token']}/heartbeat"))["code"] == "unknown_lease"
    held = await centre.ok("GET", "/v1/agents/bob/lease")
    assert [each["token"] for each in held["items"]] == [lease["token"]]


async def test_an_agent_sees_the_leads_that_it_holds_owns_or_is_to_resolve(house: House, centre: Caller) -> None:
    ann = house.caller(await token_of(centre, "agent", "ann"))
    lead = (await ann.ok("POST", "/v1/agents/ann/next"))["lead"]["id"]
    assert (await ann.ok("GET", f"/v1/leads/{lead}"))["id"] == lead
    assert (await ann.ok("GET", f"/v1/leads/{lead}/history"))["items"]
    other = lead + 1
    for path in (f"/v1/leads/{other}", f"/v1/leads/{other}/history"):
        assert (await ann.no(404, "GET", path))["code"] == "not_found"
    await ann.no(404, "POST", f"/v1/leads/{other}/resolve", {"outcome": "resolved", "result": "success"})
    await centre.ok("PATCH", f"/v1/leads/{other}", {"owner": "agent:ann"})
    assert (await ann.ok("GET", f"/v1/leads/{other}"))["owner"] == {"agent": "ann"}


async def test_only_supervisors_override(house: House, centre: Caller) -> None:  # R3.8
    ann = house.caller(await token_of(centre, "agent", "ann"))
    await ann.no(403, "POST", "/v1/agents/ann/take", {"lead": 1, "override": True})
    supervisor = house.caller(await token_of(centre, "supervisor"))
    lease = await supervisor.ok("POST", "/v1/agents/ann/take", {"lead": 1, "override": True})
    assert lease["lead"]["id"] == 1


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer nobody", "Basic YTpi", "Bearer \u00e9\u00e9"])
async def test_an_unknown_token_is_a_401(house: House, centre: Caller, given: str) -> None:
    headers = [(b"authorization", given.encode("latin-1"))]
    answer = await house.caller(None).http.get("/v1/teams", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["code"] == "unauthorized"


async def test_a_deleted_token_is_refused(house: House, centre: Caller) -> None:
    made = await centre.ok("POST", "/v1/tokens", {"role": "supervisor"})
    supervisor = house.caller(made["token"])
    await supervisor.ok("GET", "/v1/teams")
    await centre.ok("DELETE", f"/v1/tokens/{made['id']}")
    await supervisor.no(401, "GET", "/v1/teams")


async def test_a_token_is_shown_once_and_kept_as_a_hash(house: House, centre: Caller) -> None:
    made = await centre.ok("POST", "/v1/tokens", {"role": "agent", "agent": "ann"})
    listed = await centre.ok("GET", "/v1/tokens")
    assert [(token["id"], token["role"], token["agent"]) for token in listed["items"]] == [(made["id"], "agent", "ann")]
    assert all("token" not in token for token in listed["items"])
    assert made["token"] not in repr(list(house.dialer.engine.tokens.values()))
