"""An agent's day over HTTP: shapes of the answers, repeats, tabs, and a client that goes."""

import asyncio
import re
from typing import Any

import pytest
from http_kit import Caller, House, token_of

FINISH = {"outcome": "unreached", "cause": "busy"}


async def test_a_lease_as_its_agent_sees_it(centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    lead = lease.pop("lead")
    assert re.fullmatch(r"1-[0-9a-f]{32}", lease.pop("token"))
    assert lease == {
        "class": "unprocessed",
        "rank": 9,
        "overdue": False,
        "number": "+14155550100",
        "started": "2026-03-02T09:00:00Z",
        "expires": "2026-03-02T10:00:00Z",
        "blocked": False,
        "why": {
            "class": "unprocessed",
            "rank": 9,
            "priority": 5,
            "due": "2026-03-02T09:00:00Z",
            "lateness": "PT0S",
        },
    }
    assert lead == {
        "id": 1,
        "campaign": "c1",
        "pool": 1,
        "phones": ["+14155550100"],
        "data": {"name": "Lead 0"},
        "status": "unprocessed",
        "closure": None,
        "not_accepted_by": None,
        "public_status": {"status": "unprocessed", "reason": None, "label": "Unprocessed"},
        "activity": None,
        "owner": {"team": "root"},
        "original_owner": {"team": "root"},
        "priority": 5,
        "attempts": 0,
        "due": "2026-03-02T09:00:00Z",
        "promised": None,
        "released": None,
        "urgent": None,
        "lease": {
            "agent": "ann",
            "number": "+14155550100",
            "started": "2026-03-02T09:00:00Z",
            "expires": "2026-03-02T10:00:00Z",
        },
        "master": None,
        "erased": False,
        "zones": ["America/Los_Angeles"],
        "zone_source": "number",
        "created": "2026-03-02T09:00:00Z",
        "version": lead["version"],
    }


async def test_explain_counts_what_it_was_chosen_from(centre: Caller) -> None:  # R14.1
    lease = await centre.ok("POST", "/v1/agents/ann/next?explain=true")
    assert lease["why"]["among"] == 4


async def test_a_finish_answers_the_lead(centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    body = {"outcome": "resolved", "result": "success", "note": "sold", "data": {" NAME ": "Ann", "age": "41"}}
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", body)
    assert set(done) == {"lead"}
    lead = done["lead"]
    assert (lead["status"], lead["closure"], lead["attempts"], lead["lease"]) == ("closed", "success", 1, None)
    assert lead["public_status"] == {"status": "success", "reason": None, "label": "Success"}
    assert lead["data"] == {"name": "Ann", "age": 41}
    assert lead["due"] is None
    assert await centre.ok("GET", f"/v1/leads/{lead['id']}") == lead


async def test_a_redial_tells_how_many_are_near(centre: Caller) -> None:  # R4.10
    body = {"outcome": "redial", "kind": "private", "at": "2026-03-03T12:00:00+02:00"}
    for nearby in (0, 1):
        lease = await centre.ok("POST", "/v1/agents/ann/next")
        done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", body)
        assert done["nearby_redials"] == nearby
        assert done["lead"]["promised"] == done["lead"]["due"] == "2026-03-03T10:00:00Z"
        assert (done["lead"]["status"], done["lead"]["owner"]) == ("private_redial", {"agent": "ann"})
    redials = await centre.ok("GET", "/v1/agents/ann/redials")
    assert [lead["id"] for lead in redials["items"]] == [1, 2]
    first = await centre.ok("GET", "/v1/agents/ann/redials?limit=1")
    second = await centre.ok("GET", f"/v1/agents/ann/redials?limit=1&after={first['next']}")
    assert [lead["id"] for page in (first, second) for lead in page["items"]] == [1, 2]
    assert second["next"] is None


async def test_finish_and_next_in_one(centre: Caller) -> None:  # R5.8
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", FINISH | {"next": True})
    assert done["next"]["lead"]["id"] == 2
    assert (await centre.ok("GET", "/v1/agents/ann/lease"))["items"] == [done["next"]]
    await centre.ok("POST", "/v1/campaigns/c1/deactivate")
    last = await centre.ok("POST", f"/v1/leases/{done['next']['token']}/finish", FINISH | {"next": True})
    assert (last["next"], last["next_reason"]) == (None, "no_lead")


async def test_two_tabs_show_the_same_lead(centre: Caller) -> None:  # R3.6
    one = await centre.ok("POST", "/v1/agents/ann/next")
    two = await centre.ok("POST", "/v1/agents/ann/next")
    assert one == two
    other = await centre.ok("POST", "/v1/agents/bob/next")
    assert other["lead"]["id"] != one["lead"]["id"]


@pytest.mark.parametrize("body", [FINISH, {"outcome": "resolved", "result": "success", "data": {"age": 3}}])
async def test_the_same_finish_again_gets_the_first_answer(centre: Caller, body: dict[str, Any]) -> None:  # R5.3
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    path = f"/v1/leases/{lease['token']}/finish"
    first = await centre.ok("POST", path, body)
    again = await centre.ok("POST", path, dict(reversed(body.items())))
    assert again == first
    assert first["lead"]["attempts"] == 1


async def test_no_lead_says_why(centre: Caller) -> None:
    await centre.ok("POST", "/v1/campaigns/c1/deactivate")
    answer = await centre.call("POST", "/v1/agents/ann/next")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["nextlead-reason"] == "no_lead"
    asked = await centre.call("POST", "/v1/agents/ann/next?explain=true")
    assert (asked.status_code, asked.headers["nextlead-reason"]) == (200, "no_lead")
    assert asked.json()["why_idle"]["blocked"] == {"campaign": 4}


async def test_heartbeat_moves_the_end(centre: Caller) -> None:  # R5.2
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", "/v1/clock", {"advance": "30m"})
    beat = await centre.ok("POST", f"/v1/leases/{lease['token']}/heartbeat")
    assert beat == {"expires": "2026-03-02T10:30:00Z", "blocked": False}


async def test_a_heartbeat_says_that_the_number_was_blocked(centre: Caller) -> None:  # R10.4
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", "/v1/do-not-call", {"number": lease["number"]})
    assert (await centre.ok("POST", f"/v1/leases/{lease['token']}/heartbeat"))["blocked"]


async def test_a_supervisor_ends_a_stuck_lease(house: House, centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    supervisor = house.caller(await token_of(centre, "supervisor"))
    done = await supervisor.ok("POST", f"/v1/leases/{lease['token']}/end", {"outcome": "unresolved"})
    assert done["lead"]["status"] == "unresolved"
    mine = await centre.ok("GET", "/v1/agents/ann/unresolved")
    assert [lead["id"] for lead in mine["items"]] == [1]


async def test_an_agent_resolves_what_it_left_open(house: House, centre: Caller) -> None:  # R7.5
    ann, bob = [house.caller(await token_of(centre, "agent", agent)) for agent in ("ann", "bob")]
    lease = await ann.ok("POST", "/v1/agents/ann/next")
    await ann.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "unresolved"})
    body = {"outcome": "resolved", "result": "not_interested", "data": {"age": 50}}
    await bob.no(404, "POST", "/v1/leads/1/resolve", body)
    await ann.no(422, "POST", "/v1/leads/1/resolve", body | {"result": "none"})
    done = await ann.ok("POST", "/v1/leads/1/resolve", body)
    assert (done["lead"]["closure"], done["lead"]["attempts"]) == ("not_interested", 1)
    assert done["lead"]["data"] == {"name": "Lead 0", "age": 50}


async def test_take_a_chosen_lead(centre: Caller) -> None:  # R3.8
    lease = await centre.ok("POST", "/v1/agents/ann/take", {"lead": 3})
    assert (lease["lead"]["id"], lease["rank"]) == (3, 0)
    assert (await centre.no(409, "POST", "/v1/agents/bob/take", {"lead": 3}))["code"] == "leased"
    await centre.no(404, "POST", "/v1/agents/bob/take", {"lead": 99})


async def test_sessions(centre: Caller) -> None:  # R3.1
    session = await centre.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["c1"], "cross_campaign_redials": False})
    assert session == {"agent": "ann", "campaigns": ["c1"], "cross_campaign_redials": False}
    assert (await centre.ok("GET", "/v1/agents/ann"))["session"] == session
    answer = await centre.call("DELETE", "/v1/agents/ann/session")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await centre.ok("GET", "/v1/agents/ann"))["session"] is None


async def test_release_all_and_what_it_would_do(centre: Caller) -> None:  # R4.6
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    redial = {"outcome": "redial", "kind": "vip", "at": "2026-03-03T10:00:00Z"}
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", redial)
    assert await centre.ok("POST", "/v1/agents/ann/release-all?dry_run=true") == {"count": 1}
    assert (await centre.ok("GET", "/v1/leads/1"))["released"] is None
    assert await centre.ok("POST", "/v1/agents/ann/release-all") == {"count": 1}
    lead = await centre.ok("GET", "/v1/leads/1")
    assert (lead["released"], lead["owner"]) == ("2026-03-02T09:00:00Z", {"team": "root"})


async def test_the_last_token_of_a_closed_lead_has_ended(centre: Caller) -> None:  # R1.4
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    path = f"/v1/leases/{lease['token']}"
    await centre.ok("POST", f"{path}/finish", {"outcome": "resolved", "result": "success"})
    for call, body in (("heartbeat", None), ("end", {"outcome": "cancelled"}), ("finish", {"outcome": "unresolved"})):
        problem = await centre.no(409, "POST", f"{path}/{call}", body)
        assert (problem["code"], problem["detail"]) == ("lease_ended", "the lease ended; lead 1 is closed")


async def test_a_lead_that_closed_is_a_conflict_one_that_is_gone_is_not_there(centre: Caller) -> None:  # R1.4
    await centre.ok("POST", "/v1/leads/1/remove")
    await centre.ok("DELETE", "/v1/pools/1")
    calls = [
        ("POST", "/v1/agents/ann/take", {"lead": 0}),
        ("POST", "/v1/leads/0/release", None),
        ("POST", "/v1/leads/0/remove", None),
        ("PATCH", "/v1/leads/0", {"priority": 1}),
        ("POST", "/v1/leads/0/resolve", {"outcome": "resolved", "result": "success"}),
    ]
    for method, path, body in calls:
        for lead, status in ((1, 409), (2, 404), (99, 404)):
            asked = body and body | ({"lead": lead} if "lead" in body else {})
            problem = await centre.no(status, method, path.replace("/0", f"/{lead}"), asked)
            assert ("closed" in problem["detail"]) == (status == 409)


@pytest.mark.parametrize("order", [1, -1])
async def test_what_others_edit_while_a_call_ends_stays(centre: Caller, order: int) -> None:  # R1.5
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    ending = {"outcome": "unresolved", "data": {"age": 41}}
    edit = ("PATCH", f"/v1/leads/{lease['lead']['id']}", {"data": {"name": "Berta"}})
    finish = ("POST", f"/v1/leases/{lease['token']}/finish", ending)
    await asyncio.gather(*(centre.ok(*call) for call in (edit, finish)[::order]))
    assert (await centre.ok("GET", edit[1]))["data"] == {"name": "Berta", "age": 41}

    edit = (*edit[:2], {"data": {"name": "Clara"}})
    ending = {"outcome": "redial", "kind": "common", "at": "2026-03-02T12:00:00Z", "data": {"age": 42}}
    resolve = ("POST", f"{edit[1]}/resolve", ending)
    await asyncio.gather(*(centre.ok(*call) for call in (edit, resolve)[::order]))
    assert (await centre.ok("GET", edit[1]))["data"] == {"name": "Clara", "age": 42}
