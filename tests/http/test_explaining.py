"""Why this lead, why not that one, when then: over HTTP (R14)."""

import re
from typing import Any

import pytest
from http_kit import Caller, House, token_of

from nextlead.core.commands import Explain
from nextlead.core.errors import NoSession
from nextlead.runtime.dialer import Dialer

LONDON = {
    "zone": "Europe/London",
    "windows": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
EVENING = "2026-03-02T20:00:00Z"
NEXT_MORNING = "2026-03-03T09:00:00Z"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


async def closed_for_the_night(centre: Caller) -> None:
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"calling_hours": LONDON}})
    await centre.ok("POST", "/v1/clock", {"now": EVENING})


def failing(explained: dict[str, Any]) -> list[str]:
    return [check["name"] for check in explained["checks"] if not check["passed"]]


async def explain(caller: Caller, lead: int, agent: str = "ann") -> dict[str, Any]:
    found: dict[str, Any] = await caller.ok("GET", f"/v1/leads/{lead}/explain?agent={agent}")
    return found


async def finish(centre: Caller, body: dict[str, Any], agent: str = "ann") -> int:
    lease = await centre.ok("POST", f"/v1/agents/{agent}/next")
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", body)
    return int(lease["lead"]["id"])


# -- explain --------------------------------------------------------------------------------------------------------


async def test_a_lead_that_an_agent_could_get_now(centre: Caller) -> None:  # R14.2
    found = await explain(centre, 1)
    assert (found["lead"], found["agent"], found["eligible"], found["rank"]) == (1, "ann", True, 9)
    assert found["eligible_at"] == "2026-03-02T09:00:00Z"
    assert failing(found) == []
    for check in found["checks"]:
        assert set(check) == {"rule", "name", "passed", "value", "until"}
        assert re.fullmatch(r"R\d+\.\d+", check["rule"])
        assert check["value"]
        assert check["until"] is None


async def test_a_lead_at_night(centre: Caller) -> None:  # R11.2, R14.2
    await closed_for_the_night(centre)
    found = await explain(centre, 1)
    assert (found["eligible"], found["eligible_at"], failing(found)) == (False, NEXT_MORNING, ["calling_hours"])
    (night,) = [check for check in found["checks"] if check["name"] == "calling_hours"]
    assert (night["rule"], night["until"]) == ("R11.2", NEXT_MORNING)
    assert "Europe/London" in night["value"]


async def test_a_lead_that_time_alone_does_not_bring(centre: Caller) -> None:  # R14.2
    await centre.ok("POST", "/v1/pools/1/deactivate")
    found = await explain(centre, 1)
    assert (found["eligible"], found["eligible_at"]) == (False, None)
    assert failing(found)


async def test_a_closed_lead_is_explained_too(centre: Caller) -> None:  # R14.2
    lead = await finish(centre, {"outcome": "resolved", "result": "success"})
    found = await explain(centre, lead)
    assert (found["eligible"], found["eligible_at"], found["rank"]) == (False, None, None)
    assert failing(found)


async def test_a_lead_that_closes_while_it_is_asked_about(  # R14.2
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = Dialer.submit
    rows = []

    async def close_first(self: Dialer, command: Any, then: Any = None) -> Any:
        if isinstance(command, Explain):
            rows.append(command.row)
            if len(rows) == 1:
                await centre.ok("POST", "/v1/leads/1/remove")
        return await submit(self, command, then)

    monkeypatch.setattr(Dialer, "submit", close_first)
    found = await explain(centre, 1)
    assert (found["lead"], found["eligible"]) == (1, False)
    assert rows[0] is None
    assert rows[1] is not None


async def test_asking_changes_nothing(house: House, centre: Caller) -> None:  # R14
    before = (await centre.ok("GET", "/v1/leads/1"), await centre.ok("GET", "/v1/leads/1/history"))
    commits = house.dialer.engine.commit_no
    for path in ("/v1/leads/1/explain?agent=ann", "/v1/agents/ann/why-idle", "/v1/why-idle"):
        await centre.ok("GET", path)
    assert (await centre.ok("GET", "/v1/leads/1"), await centre.ok("GET", "/v1/leads/1/history")) == before
    assert house.dialer.engine.commit_no == commits


REFUSED = [
    ("/v1/leads/1/explain", 400, "agent"),
    ("/v1/leads/1/explain?agent=", 400, "agent"),
    ("/v1/leads/1/explain?agent=nobody", 422, "agent"),
    ("/v1/leads/1/explain?agent=" + "x" * 101, 400, "agent"),
    ("/v1/leads/1/explain?agent=%00", 422, "agent"),
    ("/v1/leads/1/explain?agent=..%2F..", 422, "agent"),
    ("/v1/leads/1/explain?agent=ann&lead=2", 400, "lead"),
    ("/v1/leads/99/explain?agent=ann", 404, None),
    ("/v1/leads/0/explain?agent=ann", 404, None),
    ("/v1/leads/-1/explain?agent=ann", 404, None),
    ("/v1/leads/" + "9" * 40 + "/explain?agent=ann", 404, None),
    ("/v1/agents/nobody/why-idle", 404, None),
    ("/v1/agents/ann/why-idle?agent=bob", 400, "agent"),
    ("/v1/why-idle?limit=1", 400, "limit"),
]


@pytest.mark.parametrize(("path", "status", "field"), REFUSED)
async def test_what_can_not_be_asked(centre: Caller, path: str, status: int, field: str | None) -> None:
    problem = await centre.no(status, "GET", path)
    assert [error["field"] for error in problem.get("errors", ())] == ([field] if field else [])


# -- agents' tokens -------------------------------------------------------------------------------------------------


@pytest.fixture
async def ann(house: House, centre: Caller) -> Caller:
    return house.caller(await token_of(centre, "agent", "ann"))


async def test_an_agent_asks_for_itself_of_leads_that_it_may_see(centre: Caller, ann: Caller) -> None:
    lead = (await ann.ok("POST", "/v1/agents/ann/next"))["lead"]["id"]
    assert (await ann.ok("GET", f"/v1/leads/{lead}/explain"))["agent"] == "ann"
    assert await ann.ok("GET", f"/v1/leads/{lead}/explain") == await explain(centre, lead)
    assert (await explain(ann, lead))["agent"] == "ann"
    assert (await ann.no(404, "GET", f"/v1/leads/{lead + 1}/explain"))["code"] == "not_found"
    await centre.ok("PATCH", f"/v1/leads/{lead + 1}", {"owner": "agent:ann"})
    assert (await ann.ok("GET", f"/v1/leads/{lead + 1}/explain"))["lead"] == lead + 1


async def test_an_agent_does_not_learn_what_another_could_get(ann: Caller) -> None:
    lead = (await ann.ok("POST", "/v1/agents/ann/next"))["lead"]["id"]
    there = await ann.no(404, "GET", f"/v1/leads/{lead}/explain?agent=bob")
    absent = await ann.no(404, "GET", f"/v1/leads/{lead}/explain?agent=nobody")
    assert there["code"] == absent["code"] == "not_found"
    assert there["detail"].replace("bob", "nobody") == absent["detail"]
    await ann.no(404, "GET", "/v1/agents/bob/why-idle")
    await ann.no(403, "GET", "/v1/why-idle")
    assert (await ann.ok("GET", "/v1/agents/ann/why-idle"))["agent"] == "ann"


# -- why idle -------------------------------------------------------------------------------------------------------


async def test_why_one_agent_has_nothing_to_call(centre: Caller) -> None:  # R14.3
    await closed_for_the_night(centre)
    found = await centre.ok("GET", "/v1/agents/ann/why-idle")
    blocked = {reason: leads for reason, leads in found.pop("blocked").items() if leads}
    assert blocked == {"calling_hours": 4}
    assert found == {"agent": "ann", "ready": 0, "next_at": NEXT_MORNING}


async def test_why_everybody_has_nothing_to_call(house: House, centre: Caller) -> None:  # R14.3
    await closed_for_the_night(centre)
    supervisor = house.caller(await token_of(centre, "supervisor"))
    found = await supervisor.ok("GET", "/v1/why-idle")
    assert set(found) == {"campaigns", "agents", "waiting"}
    (campaign,) = found["campaigns"]
    assert (campaign["campaign"], campaign["ready"], campaign["next_at"]) == ("c1", 0, NEXT_MORNING)
    assert campaign["blocked"]["calling_hours"] == 4
    assert [agent["agent"] for agent in found["agents"]] == ["ann", "bob"]
    assert found["agents"][0] == await centre.ok("GET", "/v1/agents/ann/why-idle")
    assert found["waiting"] == []


async def test_an_agent_without_a_session(centre: Caller) -> None:
    await centre.ok("DELETE", "/v1/agents/bob/session")
    assert (await centre.no(409, "GET", "/v1/agents/bob/why-idle"))["code"] == "no_session"
    assert [agent["agent"] for agent in (await centre.ok("GET", "/v1/why-idle"))["agents"]] == ["ann"]


# -- next -----------------------------------------------------------------------------------------------------------


async def test_a_next_without_a_lead_says_why_when_asked(centre: Caller) -> None:  # R14.3
    await closed_for_the_night(centre)
    bare = await centre.call("POST", "/v1/agents/ann/next")
    assert (bare.status_code, bare.content, bare.headers["nextlead-reason"]) == (204, b"", "no_lead")
    told = await centre.call("POST", "/v1/agents/ann/next?explain=true")
    assert (told.status_code, told.headers["nextlead-reason"]) == (200, "no_lead")
    assert told.json() == {"why_idle": await centre.ok("GET", "/v1/agents/ann/why-idle")}


async def test_after_a_wait_too(centre: Caller) -> None:  # R5.5, R14.3
    await closed_for_the_night(centre)
    told = await centre.call("POST", "/v1/agents/ann/next?explain=true", {"wait": 0.01})
    assert (told.status_code, told.headers["nextlead-reason"]) == (200, "timeout")
    assert told.json()["why_idle"]["next_at"] == NEXT_MORNING


async def test_with_a_lead_there_is_nothing_to_explain(centre: Caller) -> None:  # R14.1
    lease = await centre.ok("POST", "/v1/agents/ann/next?explain=true")
    assert lease["why"]["among"] == 4
    assert "why_idle" not in lease


async def test_an_agent_that_has_gone_meanwhile_gets_the_reason_alone(
    centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await closed_for_the_night(centre)

    async def gone(*_: object) -> None:
        raise NoSession

    monkeypatch.setattr(Dialer, "submit", gone)
    answer = await centre.call("POST", "/v1/agents/ann/next?explain=true")
    assert (answer.status_code, answer.content, answer.headers["nextlead-reason"]) == (204, b"", "no_lead")
