"""Leads over HTTP: lists and filters, edits, what is done to one, history; and the do-not-call list."""

import pytest
from http_kit import NUMBERS, Caller

REDIAL = {"outcome": "redial", "kind": "private", "at": "2026-03-02T12:00:00Z"}


async def finish(centre: Caller, agent: str, body: dict[str, object]) -> int:
    lease = await centre.ok("POST", f"/v1/agents/{agent}/next")
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", body)
    return int(lease["lead"]["id"])


@pytest.fixture
async def worked(centre: Caller) -> Caller:
    """Lead 1 sold, lead 2 a private redial of ann, leads 3 and 4 untouched."""
    assert await finish(centre, "ann", {"outcome": "resolved", "result": "success"}) == 1
    assert await finish(centre, "ann", REDIAL) == 2
    return centre


FILTERS = [
    ("", [1, 2, 3, 4]),
    ("status=closed", [1]),
    ("status=unprocessed", [3, 4]),
    ("status=private_redial", [2]),
    ("closure=success", [1]),
    ("closure=abandoned", []),
    ("owner=agent:ann", [2]),
    ("owner=team:root&status=unprocessed", [3, 4]),
    ("phone=%2B14155550102", [3]),
    ("phone=+14155550102", [3]),
    ("phone=(415) 555-0102", [3]),
    ("q=lead 3", [4]),
    ("campaign=c1&pool=1", [1, 2, 3, 4]),
    ("pool=2", []),
    ("due_before=2026-03-02T12:00:01Z&owner=agent:ann", [2]),
    ("due_before=2026-03-02T12:00:00Z&owner=agent:ann", []),
]


@pytest.mark.parametrize(("query", "ids"), FILTERS)
async def test_leads_are_found(worked: Caller, query: str, ids: list[int]) -> None:
    found = await worked.ok("GET", f"/v1/leads?{query}")
    assert [lead["id"] for lead in found["items"]] == ids
    assert found["next"] is None


async def test_leads_come_in_pages(worked: Caller) -> None:
    first = await worked.ok("GET", "/v1/leads?limit=3")
    second = await worked.ok("GET", f"/v1/leads?limit=3&after={first['next']}")
    assert [[lead["id"] for lead in page["items"]] for page in (first, second)] == [[1, 2, 3], [4]]
    assert second["next"] is None
    assert first["items"][2]["data"] == {"name": "Lead 2"}


async def test_an_edit_changes_what_it_names(worked: Caller) -> None:
    before = await worked.ok("GET", "/v1/leads/3")
    after = await worked.ok("PATCH", "/v1/leads/3", {"priority": 2, "data": {"age": 30}})
    changed = {"priority": 2, "data": {"name": "Lead 2", "age": 30}, "version": before["version"] + 1}
    assert after == before | changed
    assert (await worked.ok("PATCH", "/v1/leads/3", {"priority": None}))["priority"] == 5
    emptied = await worked.ok("PATCH", "/v1/leads/3", {"data": {"name": ""}})
    assert emptied["data"] == {"age": 30}


async def test_an_owner_in_both_forms(worked: Caller) -> None:
    assert (await worked.ok("PATCH", "/v1/leads/3", {"owner": {"agent": "bob"}}))["owner"] == {"agent": "bob"}
    assert (await worked.ok("PATCH", "/v1/leads/3", {"owner": "team:t"}))["owner"] == {"team": "t"}


async def test_an_edit_of_an_old_version_is_refused(worked: Caller) -> None:
    version = (await worked.ok("GET", "/v1/leads/3"))["version"]
    await worked.ok("PATCH", "/v1/leads/3", {"priority": 2, "version": version})
    problem = await worked.no(409, "PATCH", "/v1/leads/3", {"priority": 3, "version": version})
    assert (problem["code"], problem["facts"]["version"]) == ("version_conflict", version + 1)
    assert (await worked.ok("GET", "/v1/leads/3"))["priority"] == 2


async def test_an_admin_sets_a_redial_for_an_agent(worked: Caller) -> None:  # R4.1
    redial = {"kind": "vip", "at": "2026-03-02T10:00:00Z", "agent": "bob"}
    lead = await worked.ok("PATCH", "/v1/leads/3", {"redial": redial})
    assert (lead["status"], lead["owner"], lead["promised"]) == (
        "vip_redial",
        {"agent": "bob"},
        "2026-03-02T10:00:00Z",
    )
    await worked.no(422, "PATCH", "/v1/leads/4", {"redial": redial | {"at": "2026-03-02T08:00:00Z"}})


async def test_due_moves(worked: Caller) -> None:
    lead = await worked.ok("PATCH", "/v1/leads/2", {"due": "2026-03-02T15:30:00+01:00"})
    assert (lead["due"], lead["promised"]) == ("2026-03-02T14:30:00Z", "2026-03-02T12:00:00Z")


async def test_release_remove_reopen(worked: Caller) -> None:
    released = await worked.ok("POST", "/v1/leads/2/release")
    assert (released["status"], released["owner"]) == ("private_redial", {"team": "root"})
    removed = await worked.ok("POST", "/v1/leads/3/remove")
    assert (removed["status"], removed["closure"]) == ("closed", "removed")
    assert removed["public_status"]["label"] == "Removed"
    reopened = await worked.ok("POST", "/v1/leads/3/reopen")
    assert (reopened["status"], reopened["closure"], reopened["attempts"]) == ("unprocessed", None, 0)
    with_redial = {"redial": {"kind": "common", "at": "2026-03-02T11:00:00Z"}}
    assert (await worked.ok("POST", "/v1/leads/1/reopen", with_redial))["status"] == "common_redial"
    assert (await worked.no(409, "POST", "/v1/leads/1/reopen"))["code"] == "wrong_status"


async def test_an_urgent_lead_comes_first(worked: Caller) -> None:  # R2.6
    await worked.ok("POST", "/v1/leads/4/urgent", {"reason": "lost_call", "expires": "2026-03-02T09:30:00Z"})
    shown = (await worked.ok("GET", "/v1/leads/4"))["urgent"]
    assert shown == {"reason": "lost_call", "expires": "2026-03-02T09:30:00Z"}
    lease = await worked.ok("POST", "/v1/agents/bob/next")
    assert (lease["lead"]["id"], lease["class"], lease["rank"]) == (4, "urgent", 1)


@pytest.mark.parametrize(("passed", "status", "closure"), [(True, "closed", "sold"), (False, "private_redial", None)])
async def test_validation(centre: Caller, passed: bool, status: str, closure: str | None) -> None:  # R1.4
    results = [{"code": "sold", "label": "Sold!", "category": "success", "validation": True}]
    await centre.ok("PATCH", "/v1/campaigns/c1", {"template": {"results": results}})
    lead = await finish(centre, "ann", {"outcome": "resolved", "result": "sold"})
    assert (await centre.ok("GET", f"/v1/leads/{lead}"))["status"] == "pending_validation"
    done = await centre.ok("POST", f"/v1/leads/{lead}/validate", {"passed": passed})
    assert (done["status"], done["closure"]) == (status, closure)
    if passed:
        assert done["public_status"]["label"] == "Sold!"


async def test_history_tells_who_did_what(worked: Caller) -> None:  # R1.3
    history = await worked.ok("GET", "/v1/leads/2/history")
    leased, redial = history["items"]
    assert (leased["event"], leased["actor"], leased["rank"], leased["due"]) == (
        "leased",
        "agent:ann",
        9,
        "2026-03-02T09:00:00Z",
    )
    assert redial["at"] == redial["effective"] == "2026-03-02T09:00:00Z"
    assert (redial["status_before"], redial["status"]) == ("unprocessed", "private_redial")
    assert (redial["owner"], redial["number"], redial["rank"]) == ({"agent": "ann"}, NUMBERS[1], None)
    first = await worked.ok("GET", "/v1/leads/2/history?limit=1")
    second = await worked.ok("GET", f"/v1/leads/2/history?limit=1&after={first['next']}")
    assert [*first["items"], *second["items"]] == history["items"]
    assert second["next"] is None


async def test_do_not_call(worked: Caller) -> None:  # R10.2, R10.3, R10.5
    path = "/v1/do-not-call"
    free = await worked.ok("GET", f"{path}/{NUMBERS[2]}")
    assert free == {"number": NUMBERS[2], "blocked": False, "closure": None, "entries": [], "forgotten": False}
    made = await worked.call("POST", path, {"number": "(415) 555-0102", "reason": "asked us to"})
    entry = {
        "number": NUMBERS[2],
        "scope": "organisation",
        "reason": "asked us to",
        "at": "2026-03-02T09:00:00Z",
        "by": "admin",
    }
    assert (made.status_code, made.json()) == (201, entry | {"leads": 1, "forgotten": False})
    assert (await worked.ok("GET", "/v1/leads/3"))["closure"] == "do_not_call"
    assert await worked.ok("GET", f"{path}/{NUMBERS[2]}") == free | {
        "blocked": True,
        "closure": "do_not_call",
        "entries": [entry],
    }
    assert (await worked.ok("GET", path))["items"] == [entry]
    assert (await worked.no(409, "POST", "/v1/leads/3/reopen"))["code"] == "wrong_status"
    assert (await worked.call("DELETE", f"{path}?number={NUMBERS[2]}")).status_code == 204
    assert (await worked.ok("GET", path))["items"] == []
    await worked.no(404, "DELETE", f"{path}?number={NUMBERS[2]}")
    assert (await worked.ok("GET", "/v1/leads/3"))["closure"] == "do_not_call"


async def test_a_lead_without_a_number_is_never_reopened(worked: Caller) -> None:  # R9.4
    bad = {"campaign": "c1", "name": "bad", "leads": [{"phone": "12"}], "on_invalid": "close"}
    pool = await worked.ok("POST", "/v1/leads", bad)
    (lead,) = (await worked.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"]
    assert (lead["phones"], lead["closure"]) == ([], "invalid_phone_number")
    assert (await worked.no(409, "POST", f"/v1/leads/{lead['id']}/reopen"))["code"] == "wrong_status"
