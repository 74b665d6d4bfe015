"""Why agents sit idle, for those who watch: metrics of hours, limits and last looks (R14.3, R14.4)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from http_kit import Caller, House
from test_watching import scrape

from nextlead.core import openings
from nextlead.core.commands import WhyAllIdle
from nextlead.core.idle import chief_reason

LONDON = {
    "zone": "Europe/London",
    "windows": {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")},
}
EVENING = "2026-03-02T20:00:00Z"
NEXT_MORNING_S = 1_772_528_400


async def closed_for_the_night(centre: Caller, campaign: str = "c1") -> None:
    await centre.ok("PATCH", f"/v1/campaigns/{campaign}", {"dialer": {"calling_hours": LONDON}})
    await centre.ok("POST", "/v1/clock", {"now": EVENING})


@asynccontextmanager
async def waiting(house: House, centre: Caller, *agents: str) -> AsyncIterator[None]:
    """These agents wait for a lead meanwhile."""
    path = "/v1/agents/{}/next"
    tasks = [asyncio.create_task(centre.call("POST", path.format(agent), {"wait": 60})) for agent in agents]
    while house.dialer.engine.waiting < len(agents):
        await asyncio.sleep(0)
    yield
    for agent in agents:
        await centre.ok("DELETE", f"/v1/agents/{agent}/session")
    await asyncio.gather(*tasks)


def of(samples: dict[str, float], name: str) -> dict[str, float]:
    """Samples of one metric by its labels."""
    return {key.removeprefix(f"{name} "): n for key, n in samples.items() if key.split(" ")[0] == name}


async def test_why_leads_are_kept_back_and_agents_wait(house: House, centre: Caller) -> None:  # R14.3
    await closed_for_the_night(centre)
    async with waiting(house, centre, "ann", "bob"):
        now = await scrape(centre)
        assert of(now, "nextlead_leads_blocked") == {"c1 calling_hours": 4}
        assert of(now, "nextlead_agents_idle") == {"calling_hours": 2}
        assert of(now, "nextlead_next_opening_timestamp_seconds") == {"c1": NEXT_MORNING_S}
        assert now["nextlead_faults_total"] == 0


async def test_where_nothing_is_open_it_says_so(house: House, centre: Caller) -> None:
    for lead in (1, 2, 3, 4):
        await centre.ok("POST", f"/v1/leads/{lead}/remove")
    async with waiting(house, centre, "ann"):
        now = await scrape(centre)
    assert of(now, "nextlead_agents_idle") == {"no_leads": 1}
    assert of(now, "nextlead_leads_blocked") == {}
    assert of(now, "nextlead_next_opening_timestamp_seconds") == {}


async def test_agents_who_do_not_wait_are_not_counted(centre: Caller) -> None:
    await closed_for_the_night(centre)
    assert of(await scrape(centre), "nextlead_agents_idle") == {}


async def test_faults_are_counted(house: House, centre: Caller) -> None:  # R14.4
    house.dialer.engine.state.faults += 2
    assert (await scrape(centre))["nextlead_faults_total"] == 2


OTHERS = {"c2": ("+1415555014", 3), "c3": ("+1415555015", 2), "c4": ("+1415555016", 2)}
"""Further campaigns: where the numbers of their leads start, and how many they are."""


async def floor_at_night(centre: Caller) -> dict[str, str]:
    """Agents who differ in what keeps most leads from them, each by something else; and what that is."""
    for campaign, (start, size) in OTHERS.items():
        await centre.ok("PUT", f"/v1/campaigns/{campaign}", {"dialer": {"max_unresolved": 1}})
        rows = [{"phone": f"{start}{at}"} for at in range(size)]
        await centre.ok("POST", "/v1/leads", {"campaign": campaign, "name": campaign, "leads": rows})
    await centre.ok("POST", "/v1/pools/2/deactivate")
    await centre.ok("PUT", "/v1/teams/u", {})
    for lead in (1, 2, 3, 4):
        await centre.ok("PATCH", f"/v1/leads/{lead}", {"owner": "team:t"})
    await closed_for_the_night(centre)
    await closed_for_the_night(centre, "c4")
    agents = {
        "cai": ("t", ["c1", "c2"], ["c2"], "campaign"),
        "dan": ("t", ["c1", "c2"], ["c1", "c2"], "calling_hours"),
        "fay": ("t", ["c2"], ["c1", "c2"], "inactive_pool"),
        "gus": ("u", ["c1"], ["c1"], "other_owner"),
        "hal": ("t", ["c3"], ["c3"], "max_unresolved"),
        "ivy": ("t", ["c3"], ["c3"], "cancel_pause"),
        "kim": ("t", ["c4"], ["c4"], "calling_hours"),
        "lou": ("t", ["c4"], ["c4"], "other_owner"),
    }
    for agent, (team, chosen, permitted, _reason) in agents.items():
        await centre.ok("PUT", f"/v1/agents/{agent}", {"team": team, "campaigns": ["c1", *OTHERS]})
        await centre.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": chosen})
        await centre.ok("PUT", f"/v1/agents/{agent}", {"campaigns": permitted})
    for lead in (10, 11):
        await centre.ok("PATCH", f"/v1/leads/{lead}", {"owner": "agent:kim"})
    for agent, outcome in (("hal", "unresolved"), ("ivy", "cancelled")):
        lease = await centre.ok("POST", f"/v1/agents/{agent}/next")
        await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": outcome})
    return {agent: reason for agent, (_, _, _, reason) in agents.items()} | {"ann": "calling_hours"}


async def test_agents_who_are_alike_are_counted_once_and_it_does_not_show(house: House, centre: Caller) -> None:
    expected = await floor_at_night(centre)
    async with waiting(house, centre, *expected):
        counts = house.dialer.engine.idle_counts(house.dialer.now_ms())
        said = await house.dialer.submit(WhyAllIdle())
    assert counts.campaigns == said.campaigns
    assert set(said.waiting) == set(expected)
    reasons = {idle.agent: chief_reason(idle.blocked) for idle in said.agents if idle.agent in expected}
    assert reasons == expected
    assert counts.waiting == Counter(expected.values())


async def test_the_moment_of_the_scrape_counts_not_that_of_the_last_command(house: House, centre: Caller) -> None:
    engine = house.dialer.engine
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    redial = {"outcome": "redial", "kind": "common", "at": "2026-03-02T10:00:00Z"}
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", redial)
    at_ms, before_ms = house.dialer.now_ms(), engine.state.now_ms
    (now,), (later,) = engine.idle_counts(at_ms).campaigns, engine.idle_counts(at_ms + 3_600_000).campaigns
    assert (now.blocked, now.ready) == ({"not_due": 1}, 3)
    assert (later.blocked, later.ready) == ({}, 4)
    assert engine.state.now_ms == before_ms


@pytest.mark.parametrize("agents", [0, 20])
async def test_a_part_of_the_queues_is_looked_at_once_however_many_agents_there_are(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch, agents: int
) -> None:
    for at in range(agents):
        await centre.ok("PUT", f"/v1/agents/a{at}", {"team": "t", "campaigns": ["c1"]})
        await centre.ok("PUT", f"/v1/agents/a{at}/session", {"campaigns": ["c1"]})
    await closed_for_the_night(centre)
    looked = []
    look = openings.first_ms
    monkeypatch.setattr(openings, "first_ms", lambda part: looked.append(part) or look(part))
    found = await house.dialer.submit(WhyAllIdle())
    assert len(found.agents) == agents + 2
    assert len(looked) == 1
    house.dialer.engine.idle_counts(house.dialer.now_ms())
    assert len(looked) == 2


def test_what_keeps_most_leads_back() -> None:
    assert chief_reason({"leased": 3, "not_due": 5}) == "not_due"
    assert chief_reason({"not_due": 5, "calling_hours": 5}) == "calling_hours"
    assert chief_reason({}) == "no_leads"
