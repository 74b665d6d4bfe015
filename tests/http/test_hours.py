"""Calling hours, contact limits and zones over HTTP: set, refused, shown (R4.2, R11, R12)."""

from threading import current_thread, main_thread
from typing import Any

import pytest
from http_kit import NUMBERS, Caller, House, token_of

from nextlead.core.errors import OutsideHours, SlotFull
from nextlead_adapters.almanac import LibraryAlmanac
from nextlead_adapters.http.problems import of_error
from nextlead_adapters.http.values import to_json

CAMPAIGN = "/v1/campaigns/c1"
WEEKDAYS = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
LONDON = {"zone": "Europe/London", "windows": WEEKDAYS}
"""The centre starts on a Monday at 09:00 there."""
EVENING = "2026-03-02T20:00:00Z"
NEXT_MORNING = "2026-03-03T09:00:00Z"


async def hours(centre: Caller, given: dict[str, Any] | None) -> Any:
    return (await centre.ok("PATCH", CAMPAIGN, {"dialer": {"calling_hours": given}}))["dialer"]["calling_hours"]


# -- settings -------------------------------------------------------------------------------------------------------


async def test_hours_are_set_changed_and_cleared(centre: Caller) -> None:  # R11.1
    assert (await centre.ok("GET", CAMPAIGN))["dialer"]["calling_hours"] is None
    full = {**LONDON, "campaign_zone": "UTC", "days_off": [], "holidays": None}
    assert await hours(centre, LONDON) == full
    assert await hours(centre, {"holidays": "GB"}) == full | {"holidays": "GB"}
    await centre.ok("PATCH", CAMPAIGN, {"dialer": {"priority": 3}})
    assert (await centre.ok("GET", CAMPAIGN))["dialer"]["calling_hours"] == full | {"holidays": "GB"}
    assert await hours(centre, None) is None


async def test_the_library_of_holidays_wakes_up_beside_the_loop(
    centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int, bool]] = []

    def holidays(_almanac: LibraryAlmanac, place: str, year: int) -> tuple[()]:
        asked.append((place, year, current_thread() is main_thread()))
        return ()

    monkeypatch.setattr(LibraryAlmanac, "holidays", holidays)
    await hours(centre, {"holidays": "GB"})
    assert asked[0] == ("GB", 2026, False)
    asked.clear()
    await centre.ok("POST", f"{CAMPAIGN}/limit-pack", {"pack": "uk"})
    assert asked[0] == ("GB-ENG", 2026, False)


async def test_limits_of_a_campaign_and_of_the_organisation(centre: Caller) -> None:  # R12.1
    limits = [{"max": 2, "per": "P1D", "scope": "number"}, {"min_gap": "PT1H"}]
    campaign = await centre.ok("PATCH", CAMPAIGN, {"dialer": {"contact_limits": limits}})
    assert campaign["dialer"]["contact_limits"] == limits
    settings = await centre.ok("PATCH", "/v1/settings", {"contact_limits": limits[:1]})
    assert settings["contact_limits"] == limits[:1]
    assert (await centre.ok("PATCH", "/v1/settings", {"leases_per_agent": 2}))["contact_limits"] == limits[:1]
    assert (await centre.ok("PATCH", "/v1/settings", {"contact_limits": None}))["contact_limits"] == []


REFUSED = [
    ({"calling_hours": {"zone": "Mars/Olympus"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "../../etc/passwd"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "/etc/localtime"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "Europe"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "UTC\u0000"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "+01:00"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "\U0001f552"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"zone": "Lead"}}, 422, "dialer.calling_hours.zone"),
    ({"calling_hours": {"campaign_zone": "lead"}}, 422, "dialer.calling_hours.campaign_zone"),
    ({"calling_hours": {"campaign_zone": "EST5EDT4"}}, 422, "dialer.calling_hours.campaign_zone"),
    ({"calling_hours": {"holidays": "Narnia"}}, 422, "dialer.calling_hours.holidays"),
    ({"calling_hours": {"holidays": "US-ZZ"}}, 422, "dialer.calling_hours.holidays"),
    ({"calling_hours": {"holidays": "__class__"}}, 422, "dialer.calling_hours.holidays"),
    ({"calling_hours": {"windows": {}}}, 422, "dialer.calling_hours.windows"),
    ({"calling_hours": {"windows": {"mon": [], "sun": []}}}, 422, "dialer.calling_hours.windows"),
    ({"calling_hours": {"windows": {"mon": [["17:00", "09:00"]]}}}, 400, "dialer.calling_hours.windows.mon[0]"),
    ({"calling_hours": []}, 400, "dialer.calling_hours"),
    ({"contact_limits": [{"min_gap": "P367D"}]}, 422, "dialer.contact_limits[0].min_gap"),
    ({"contact_limits": [{"max": 1001, "per": "P1D"}]}, 400, "dialer.contact_limits[0].max"),
    ({"contact_limits": {"min_gap": "PT1H"}}, 400, "dialer.contact_limits"),
]


@pytest.mark.parametrize(("dialer", "status", "field"), REFUSED, ids=str)
async def test_what_can_not_work_is_refused_and_changes_nothing(
    house: House, centre: Caller, dialer: dict[str, Any], status: int, field: str
) -> None:
    before = house.dialer.engine.campaigns.by_code["c1"]
    for method in ("PUT", "PATCH"):
        problem = await centre.no(status, method, CAMPAIGN, {"dialer": dialer})
        assert [error["field"] for error in problem["errors"]] == [field]
        assert problem["errors"][0]["message"]
    assert house.dialer.engine.campaigns.by_code["c1"] == before


async def test_a_campaigns_zones_may_be_written_in_any_case(centre: Caller) -> None:  # R11.1: as those of leads
    given = await hours(centre, {"zone": "europe/london ", "campaign_zone": "AMERICA/NEW_YORK"})
    assert (given["zone"], given["campaign_zone"]) == ("Europe/London", "America/New_York")


async def test_a_refusal_of_hours_does_not_repeat_what_was_sent(centre: Caller) -> None:
    problem = await centre.no(422, "PATCH", CAMPAIGN, {"dialer": {"calling_hours": {"zone": "<script>"}}})
    assert "<script>" not in str(problem)


# -- zones of leads -------------------------------------------------------------------------------------------------


async def zones(centre: Caller, lead: int) -> tuple[list[str], str]:
    found = await centre.ok("GET", f"/v1/leads/{lead}")
    return found["zones"], found["zone_source"]


async def test_where_a_leads_zone_is_from(centre: Caller) -> None:  # R11.1
    assert await zones(centre, 1) == (["America/Los_Angeles"], "number")
    edited = await centre.ok("PATCH", "/v1/leads/1", {"timezone": "Asia/Tokyo"})
    assert (edited["zones"], edited["zone_source"]) == (["Asia/Tokyo"], "lead")
    assert await zones(centre, 1) == (["Asia/Tokyo"], "lead")
    cleared = await centre.ok("PATCH", "/v1/leads/1", {"timezone": None})
    assert (cleared["zones"], cleared["zone_source"]) == (["America/Los_Angeles"], "number")
    assert (await centre.ok("PATCH", "/v1/leads/1", {"priority": 3}))["zone_source"] == "number"


async def test_where_nothing_is_known_it_is_the_campaigns(centre: Caller) -> None:  # R11.1
    nowhere = {"campaign": "c1", "leads": [{"phone": "+80012345678"}]}  # R11.1: a number of no country
    pool = await centre.ok("POST", "/v1/leads", nowhere | {"name": "nowhere"})
    (lead,) = [each["id"] for each in (await centre.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"]]
    assert await zones(centre, lead) == (["UTC"], "campaign")
    await hours(centre, {"campaign_zone": "Europe/Paris"})
    assert await zones(centre, lead) == (["Europe/Paris"], "campaign")
    await hours(centre, {"zone": "Europe/Rome"})
    assert await zones(centre, lead) == (["Europe/Rome"], "campaign")


@pytest.mark.parametrize(
    ("zone", "status"),
    [("Mars/Olympus", 422), ("lead", 422), ("../UTC", 422), ("", 400), ("x" * 65, 400), (1, 400), (["UTC"], 400)],
)
async def test_a_zone_that_is_none_changes_nothing(centre: Caller, zone: object, status: int) -> None:
    before = await centre.ok("GET", "/v1/leads/1")
    problem = await centre.no(status, "PATCH", "/v1/leads/1", {"timezone": zone, "priority": 9})
    assert [error["field"] for error in problem["errors"]] == ["timezone"]
    assert await centre.ok("GET", "/v1/leads/1") == before


async def test_a_leads_zone_may_be_written_in_any_case(centre: Caller) -> None:  # R9.2, R11.1: as in a file
    await centre.ok("PATCH", "/v1/leads/1", {"timezone": " america/los_angeles"})
    assert await zones(centre, 1) == (["America/Los_Angeles"], "lead")
    entry = {"phone": NUMBERS[-1], "timezone": "EUROPE/LONDON"}
    pool = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [entry], "duplicates": {"action": "load"}})
    (lead,) = [each["id"] for each in (await centre.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"]]
    assert await zones(centre, lead) == (["Europe/London"], "lead")


# -- promises outside hours -----------------------------------------------------------------------------------------


async def lease_of(centre: Caller, agent: str = "ann") -> dict[str, Any]:
    found: dict[str, Any] = await centre.ok("POST", f"/v1/agents/{agent}/next")
    return found


def redial(at: str = EVENING, **more: Any) -> dict[str, Any]:
    return {"outcome": "redial", "kind": "private", "at": at, **more}


async def test_a_promise_outside_hours_is_refused_with_the_next_time(centre: Caller) -> None:  # R4.2
    await hours(centre, LONDON)
    finish = f"/v1/leases/{(await lease_of(centre))['token']}/finish"
    problem = await centre.no(422, "POST", finish, redial())
    assert problem["code"] == "outside_calling_hours"
    assert problem["next_permitted"] == problem["facts"]["next_permitted"] == NEXT_MORNING
    assert (await centre.ok("GET", "/v1/agents/ann/lease"))["items"]
    assert (await centre.ok("POST", finish, redial(NEXT_MORNING)))["lead"]["promised"] == NEXT_MORNING


async def test_forced_the_promise_is_kept_and_history_says_by_whom(house: House, centre: Caller) -> None:  # R4.2
    await hours(centre, LONDON)
    ann = house.caller(await token_of(centre, "agent", "ann"))
    lease = await lease_of(ann)
    done = await ann.ok("POST", f"/v1/leases/{lease['token']}/finish", redial(force=True))
    assert done["lead"]["promised"] == EVENING
    await centre.ok("POST", "/v1/clock", {"now": EVENING})
    assert (await lease_of(centre))["lead"]["id"] == lease["lead"]["id"]
    leased = (await centre.ok("GET", f"/v1/leads/{lease['lead']['id']}/history"))["items"][-1]
    assert "agent:ann" in str(leased["checks"])


async def test_force_when_an_unresolved_lead_is_settled(centre: Caller) -> None:  # R4.2, R7.5
    await hours(centre, LONDON)
    lease = await lease_of(centre)
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "unresolved"})
    resolve = f"/v1/leads/{lease['lead']['id']}/resolve"
    problem = await centre.no(422, "POST", resolve, redial())
    assert (problem["code"], problem["next_permitted"]) == ("outside_calling_hours", NEXT_MORNING)
    assert (await centre.ok("POST", resolve, redial(force=True)))["lead"]["promised"] == EVENING


async def test_force_in_an_admins_redial(centre: Caller) -> None:  # R4.1, R4.2
    await hours(centre, LONDON)
    given = {"kind": "private", "at": EVENING, "agent": "ann"}
    for method, path in (("PATCH", "/v1/leads/1"), ("POST", "/v1/leads/2/reopen")):
        if method == "POST":
            await centre.ok("POST", "/v1/leads/2/remove")
        problem = await centre.no(422, method, path, {"redial": given})
        assert (problem["code"], problem["next_permitted"]) == ("outside_calling_hours", NEXT_MORNING)
        assert (await centre.ok(method, path, {"redial": given | {"force": True}}))["promised"] == EVENING


@pytest.mark.parametrize(("next_ms", "told"), [(None, None), (1_772_532_000_500, "2026-03-03T10:00:00.500Z")])
def test_the_next_time_in_a_problem(next_ms: int | None, told: str | None) -> None:  # R4.2
    problem = of_error(OutsideHours("at night", next_permitted_ms=next_ms)).problem
    assert (problem.status, problem.code, problem.next_permitted) == (422, "outside_calling_hours", told)
    assert "next_permitted" not in str(to_json(of_error(SlotFull("full", count=3)).problem))


# -- offers ---------------------------------------------------------------------------------------------------------


async def test_the_history_of_an_offer_says_what_it_was_allowed_by(centre: Caller) -> None:  # R14
    await hours(centre, LONDON)
    await centre.ok("PATCH", "/v1/settings", {"contact_limits": [{"max": 2, "per": "P1D"}]})
    lease = await lease_of(centre)
    (leased,) = (await centre.ok("GET", f"/v1/leads/{lease['lead']['id']}/history"))["items"]
    assert all(set(check) == {"name", "value"} for check in leased["checks"])
    assert "Europe/London" in str(leased["checks"])
    assert "calling_hours" in {check["name"] for check in leased["checks"]}


async def test_where_there_are_no_hours_the_history_has_no_checks(centre: Caller) -> None:
    lease = await lease_of(centre)
    (leased,) = (await centre.ok("GET", f"/v1/leads/{lease['lead']['id']}/history"))["items"]
    assert leased["checks"] == []


async def test_nobody_is_called_outside_hours(centre: Caller) -> None:  # R11.2
    await hours(centre, LONDON)
    await centre.ok("POST", "/v1/clock", {"now": EVENING})
    assert (await centre.call("POST", "/v1/agents/ann/next")).status_code == 204
    await centre.ok("POST", "/v1/clock", {"now": NEXT_MORNING})
    assert (await lease_of(centre))["number"] == NUMBERS[0]
