"""Rule packs over HTTP: look at them, and copy one into a campaign."""

import asyncio
from collections.abc import Callable, Collection
from datetime import date

import pytest
from http_kit import Caller, House

from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.limit_packs import shipped_packs

OFTEN = [
    {"max": 3, "per": "P1D", "scope": "number"},
    {"max": 3, "per": "P1D", "scope": "lead"},
]


async def test_packs_are_listed_by_name_and_shown(admin: Caller) -> None:
    first = await admin.ok("GET", "/v1/limit-packs?limit=2")
    rest = await admin.ok("GET", f"/v1/limit-packs?after={first['next']}")
    assert [pack["name"] for pack in first["items"] + rest["items"]] == sorted(shipped_packs())
    florida = await admin.ok("GET", "/v1/limit-packs/us-florida")
    assert florida in first["items"] + rest["items"]
    assert florida["contact_limits"] == OFTEN
    assert florida["calling_hours"]["windows"]["sun"] == [["08:00", "20:00"]]
    assert florida["notice"] == "An example, not legal advice."
    (source,) = florida["sources"]
    assert "501.616" in source["law"]
    assert source["noted"] == "2026-11-22"


@pytest.mark.parametrize("name", shipped_packs())
async def test_every_pack_can_be_applied(centre: Caller, name: str) -> None:
    campaign = await centre.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": name})
    pack = await centre.ok("GET", f"/v1/limit-packs/{name}")
    hours = campaign["dialer"]["calling_hours"]
    assert hours["windows"] == pack["calling_hours"]["windows"]
    assert (hours["zone"], hours["holidays"] or "") == ("lead", pack["calling_hours"]["holidays"])
    assert campaign["dialer"]["contact_limits"] == pack.get("contact_limits", [])
    assert campaign == await centre.ok("GET", "/v1/campaigns/c1")


async def test_what_a_pack_does_not_name_stays(centre: Caller) -> None:
    own = {"zone": "Europe/London", "campaign_zone": "America/New_York", "days_off": ["2026-12-24"], "holidays": "GB"}
    limits = [{"min_gap": "PT1H"}]
    dialer = {"calling_hours": own, "contact_limits": limits, "priority": 7}
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": dialer})
    federal = (await centre.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": "us-federal"}))["dialer"]
    assert federal["priority"] == 7
    assert federal["contact_limits"] == limits
    hours = federal["calling_hours"]
    assert (hours["campaign_zone"], hours["days_off"]) == ("America/New_York", ["2026-12-24"])
    assert (hours["zone"], hours["holidays"]) == ("lead", None)
    florida = await centre.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": "us-florida"})
    assert florida["dialer"]["contact_limits"] == OFTEN


async def test_it_counts_at_once(centre: Caller) -> None:
    # 9:00 UTC on Monday is 1:00 in California.
    await centre.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": "us-federal"})
    assert (await centre.call("POST", "/v1/agents/ann/next", {})).status_code == 204
    await centre.ok("POST", "/v1/clock", {"now": "2026-03-02T16:00:00Z"})  # R11.2
    assert (await centre.ok("POST", "/v1/agents/ann/next", {}))["number"].startswith("+1415")


async def test_what_is_not_there(centre: Caller) -> None:
    await centre.no(404, "GET", "/v1/limit-packs/mars")
    await centre.no(404, "POST", "/v1/campaigns/c9/limit-pack", {"pack": "uk"})
    problem = await centre.no(422, "POST", "/v1/campaigns/c1/limit-pack", {"pack": "mars"})
    assert problem["errors"] == [{"field": "pack", "message": "there is no limit pack mars"}]
    problem = await centre.no(400, "POST", "/v1/campaigns/c1/limit-pack", {})
    assert problem["errors"] == [{"field": "pack", "message": "is required"}]


async def test_applying_is_repeatable_with_a_key(house: House, centre: Caller) -> None:
    caller = house.caller(**{"Idempotency-Key": "once"})
    first = await caller.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": "uk"})
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"calling_hours": None}})
    assert await caller.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": "uk"}) == first
    assert (await centre.ok("GET", "/v1/campaigns/c1"))["dialer"]["calling_hours"] is None


async def test_no_holidays_are_looked_up_for_a_pack_without(house: House, centre: Caller, asked: list[str]) -> None:
    await centre.ok("POST", "/v1/campaigns/c1/limit-pack", {"pack": "us-federal"})
    assert not asked
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"calling_hours": {"holidays": "GB"}}})
    assert "GB" in asked


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Places whose holidays are looked up."""
    almanac, places = house.dialer.engine.almanac, list[str]()

    def holidays(place: str, year: int) -> Collection[date]:
        places.append(place)
        return LibraryAlmanac().holidays(place, year)

    monkeypatch.setattr(almanac, "holidays", holidays)
    return places


async def test_the_campaign_is_gone_when_its_pack_would_hold(house: House, centre: Caller) -> None:
    await centre.ok("PUT", "/v1/campaigns/c2", {})
    leads = [{"phone": f"+1415555{no:04}"} for no in range(200, 300)]
    pool = (await centre.ok("POST", "/v1/leads", {"campaign": "c1", "leads": leads, "name": "More"}))["id"]
    state = house.dialer.engine.state
    state.slice_leads = 1
    async with asyncio.TaskGroup() as group:
        group.create_task(centre.ok("DELETE", f"/v1/pools/{pool}"))
        await until(lambda: len(state.tasks) == 1)
        applied = group.create_task(centre.no(404, "POST", "/v1/campaigns/c2/limit-pack", {"pack": "us-florida"}))
        await until(lambda: len(state.tasks) == 2)
        await centre.ok("DELETE", "/v1/campaigns/c2")
        assert not applied.done()
    assert await centre.ok("GET", "/v1/campaigns/c1")


async def until(so: Callable[[], bool]) -> None:
    while not so():
        await asyncio.sleep(0)
