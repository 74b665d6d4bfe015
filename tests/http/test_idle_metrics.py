"""Why agents sit idle, for those who watch: metrics of hours, limits and last looks (R14.3, R14.4)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from http_kit import Caller, House
from test_watching import scrape

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


async def test_it_is_what_the_call_says(house: House, centre: Caller) -> None:  # R14.3
    """Agents who are alike are counted once: it must not show."""
    await centre.ok("PUT", "/v1/campaigns/c2", {"dialer": {"max_unresolved": 1}})
    leads = [{"phone": f"+1415555014{at}"} for at in range(8)]
    await centre.ok("POST", "/v1/leads", {"campaign": "c2", "name": "two", "leads": leads})
    choices = {
        "cai": (["c1", "c2"], ["c1", "c2"]),
        "dan": (["c1", "c2"], ["c1", "c2"]),
        "eve": (["c1"], ["c1"]),
        "fay": (["c1", "c2"], ["c2"]),
    }
    for agent, (permitted, chosen) in choices.items():
        await centre.ok("PUT", f"/v1/agents/{agent}", {"team": "t", "campaigns": permitted})
        await centre.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": chosen})
    unresolved = await centre.ok("POST", "/v1/agents/fay/next")
    await centre.ok("POST", f"/v1/leases/{unresolved['token']}/finish", {"outcome": "unresolved"})
    promised = await centre.ok("POST", "/v1/agents/dan/next")
    redial = {"outcome": "redial", "kind": "private", "at": "2026-03-04T10:00:00Z"}
    await centre.ok("POST", f"/v1/leases/{promised['token']}/finish", redial)
    await centre.ok("PUT", "/v1/agents/cai", {"campaigns": ["c2"]})
    await closed_for_the_night(centre)
    await closed_for_the_night(centre, "c2")
    async with waiting(house, centre, "ann", "bob", *choices):
        counts = house.dialer.engine.idle_counts(house.dialer.now_ms())
        said = await house.dialer.submit(WhyAllIdle())
    assert counts.campaigns == said.campaigns
    assert set(said.waiting) == {"ann", "bob", *choices}
    reasons = {idle.agent: chief_reason(idle.blocked) for idle in said.agents}
    assert counts.waiting == Counter(reasons[agent] for agent in said.waiting)
    assert len({tuple(sorted(idle.blocked.items())) for idle in said.agents}) > 3


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


def test_what_keeps_most_leads_back() -> None:
    assert chief_reason({"leased": 3, "not_due": 5}) == "not_due"
    assert chief_reason({"not_due": 5, "calling_hours": 5}) == "calling_hours"
    assert chief_reason({}) == "no_leads"
