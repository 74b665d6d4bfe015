"""Saved filters: what may be saved, what they count, what they say when something they name has gone (SPEC R13.4)."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from http_kit import Caller, House, token_of

from nextlead.core.commands import PutFilter
from nextlead.core.errors import Invalid
from nextlead.core.saved_filters import FILTERS_MOST
from nextlead_adapters.http.lead_filter import counted, lead_filter
from nextlead_adapters.http.lead_shapes import LeadFilterBody

NO_REPLY = {"filter": {"campaign": "c1", "public_status": "No SMS Reply"}, "description": "my turn to nudge"}
SMS_OUT = {"interaction": "sms", "direction": "out", "agent": "ann"}


@pytest.fixture
async def shop(centre: Caller) -> Caller:
    """Smart Lists: ann wrote to leads 1 and 2, 1 has replied; 3 sold; 4 new."""
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "smartlists"})
    for lead in (1, 2):
        await centre.ok("POST", f"/v1/leads/{lead}/activities", SMS_OUT)
    await centre.ok("POST", "/v1/leads/1/activities", {"interaction": "sms", "direction": "in"})
    sold = {"interaction": "in_store", "outcome": "sold", "agent": "bob"}
    await centre.ok("POST", "/v1/leads/3/activities", sold)
    return centre


async def ids(caller: Caller, name: str) -> list[int]:
    return [lead["id"] for lead in (await caller.ok("GET", f"/v1/filters/{name}/leads"))["items"]]


async def test_who_has_not_replied_to_my_last_message(shop: Caller) -> None:  # R13.4
    made = await shop.call("PUT", "/v1/filters/no-reply", NO_REPLY)
    assert made.status_code == 201
    assert made.json() == {
        "name": "no-reply",
        "description": "my turn to nudge",
        "filter": NO_REPLY["filter"],
        "count": 1,
        "modified": "2026-03-02T09:00:00Z",
        "by": "admin",
    }
    assert await ids(shop, "no-reply") == [2]
    await shop.ok("POST", "/v1/leads/4/activities", SMS_OUT)
    await shop.ok("POST", "/v1/leads/2/activities", {"interaction": "sms", "direction": "in"})
    assert await shop.ok("GET", "/v1/filters/no-reply") == made.json()
    assert await ids(shop, "no-reply") == [4]


async def test_filters_are_listed_by_name_with_their_counts(shop: Caller) -> None:
    await shop.ok("PUT", "/v1/filters/new", {"filter": {"public_status": "new account"}})
    await shop.ok("PUT", "/v1/filters/all", {"filter": {}})
    await shop.ok("PUT", "/v1/filters/sold", {"filter": {"scheme": "smartlists", "public_status": "Sold"}})
    listed = (await shop.ok("GET", "/v1/filters"))["items"]
    assert [(each["name"], each["count"]) for each in listed] == [("all", 4), ("new", 1), ("sold", 1)]
    page = await shop.ok("GET", "/v1/filters?limit=2")
    rest = await shop.ok("GET", f"/v1/filters?after={page['next']}")
    assert [each["name"] for each in (*page["items"], *rest["items"])] == ["all", "new", "sold"]


async def test_a_change_leaves_what_it_does_not_name(house: House, shop: Caller) -> None:
    await shop.ok("PUT", "/v1/filters/x", NO_REPLY)
    await shop.ok("POST", "/v1/clock", {"advance": "1m"})
    supervisor = house.caller(await token_of(shop, "supervisor"))
    changed = await supervisor.call("PUT", "/v1/filters/x", {"description": "mine"})
    assert changed.status_code == 200
    view = changed.json()
    assert (view["filter"], view["description"]) == (NO_REPLY["filter"], "mine")
    assert (view["modified"], view["by"].partition(":")[0]) == ("2026-03-02T09:01:00Z", "supervisor")
    view = await shop.ok("PUT", "/v1/filters/x", {"filter": {"owner": "team:root"}})
    assert (view["filter"], view["description"], view["count"]) == ({"owner": {"team": "root"}}, "mine", 4)
    assert (await supervisor.call("DELETE", "/v1/filters/x")).status_code == 204
    for method, path in (("GET", "/v1/filters/x"), ("DELETE", "/v1/filters/x"), ("GET", "/v1/filters/x/leads")):
        assert (await shop.no(404, method, path))["code"] == "not_found"


async def test_leads_of_a_filter_come_in_pages_by_its_scheme(shop: Caller) -> None:
    await shop.ok("PUT", "/v1/filters/x", {"filter": {"scheme": "hero", "public_status": "unprocessed"}})
    first = await shop.ok("GET", "/v1/filters/x/leads?limit=2")
    rest = await shop.ok("GET", f"/v1/filters/x/leads?limit=2&after={first['next']}")
    leads = [*first["items"], *rest["items"]]
    assert [lead["id"] for lead in leads] == [1, 2, 4]
    assert {lead["public_status"]["label"] for lead in leads} == {"Unprocessed"}


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "filter"),
    ({"filter": None}, 400, "filter"),
    ({"filter": {"colour": "red"}}, 400, "filter.colour"),
    ({"filter": {}, "name": "x"}, 400, "name"),
    ({"filter": {"phone": "+14155550100"}}, 422, "filter.phone"),
    ({"filter": {"q": "Smith"}}, 422, "filter.q"),
    ({"filter": {"campaign": "none"}}, 422, "filter.campaign"),
    ({"filter": {"pool": 99}}, 422, "filter.pool"),
    ({"filter": {"owner": "agent:none"}}, 422, "filter.owner"),
    ({"filter": {"last_by": "+14155550100"}}, 422, "filter.last_by"),
    ({"filter": {"closure": "+14155550100"}}, 422, "filter.closure"),
    ({"filter": {"scheme": "villain"}}, 422, "filter.scheme"),
    ({"filter": {"public_status": "Smith"}}, 422, "filter.public_status"),
    ({"filter": {"public_status": "Sold", "reason": "Smith"}}, 422, "filter.reason"),
    ({"filter": {"limit": 3}}, 400, "filter.limit"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
async def test_a_filter_that_is_not_right_is_not_saved(
    shop: Caller, body: dict[str, Any], status: int, field: str
) -> None:
    (error,) = (await shop.no(status, "PUT", "/v1/filters/x", body))["errors"]
    assert error["field"] == field
    assert (await shop.ok("GET", "/v1/filters"))["items"] == []


@pytest.mark.parametrize("name", ["%0A", "x" * 101, "%00", "\u2028"])
async def test_a_name_that_is_none(shop: Caller, name: str) -> None:
    (error,) = (await shop.no(422, "PUT", f"/v1/filters/{name}", NO_REPLY))["errors"]
    assert error["field"] == "name"


async def test_a_name_is_what_people_call_it(shop: Caller) -> None:
    for name in ("Größe", "Who hasn't replied to my last message?", "50% #1", "x" * 100):
        path = f"/v1/filters/{quote(name)}"
        assert (await shop.ok("PUT", path, NO_REPLY))["name"] == name
        assert (await shop.ok("GET", path))["count"] == 1
        assert await ids(shop, quote(name)) == [2]


async def test_there_is_an_end_to_them(house: House, shop: Caller) -> None:
    await asyncio.gather(*(house.dialer.submit(PutFilter(name=f"f{at}", body=b"{}")) for at in range(FILTERS_MOST)))
    assert (await shop.no(409, "PUT", "/v1/filters/one-more", {"filter": {}}))["code"] == "conflict"
    await shop.ok("PUT", "/v1/filters/f7", NO_REPLY)


async def test_what_a_filter_names_may_go(shop: Caller) -> None:
    await shop.ok("PUT", "/v1/campaigns/c2", {"scheme": "luckyonline"})
    await shop.ok("PUT", "/v1/agents/eve", {})
    pool = (await shop.ok("POST", "/v1/leads", {"campaign": "c1", "name": "n", "leads": [{"phone": "+14155550160"}]}))[
        "id"
    ]
    filters = {
        "campaign": {"campaign": "c2", "public_status": "Trash"},
        "owner": {"owner": "agent:eve"},
        "last_by": {"last_by": "eve"},
        "pool": {"pool": pool},
        "public_status": {"campaign": "c1", "public_status": "New Account"},
        "stays": {"campaign": "c1"},
    }
    for name, which in filters.items():
        await shop.ok("PUT", f"/v1/filters/{name}", {"filter": which})
    for path in ("/v1/campaigns/c2", "/v1/agents/eve", f"/v1/pools/{pool}"):
        await shop.call("DELETE", path)
    await shop.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline"})
    listed = (await shop.ok("GET", "/v1/filters"))["items"]
    assert [each["name"] for each in listed] == sorted(filters)
    for each in listed:
        if each["name"] == "stays":
            assert (each["count"], "problem" in each) == (4, False)
            continue
        assert each["count"] is None
        assert each["problem"].startswith(f"{each['name']}: "), each
        assert await shop.ok("GET", f"/v1/filters/{each['name']}") == each
        (error,) = (await shop.no(422, "GET", f"/v1/filters/{each['name']}/leads"))["errors"]
        assert error["field"] == f"filter.{each['name']}"
        assert (await shop.ok("PUT", f"/v1/filters/{each['name']}", {"description": "old"}))["description"] == "old"


# -- counts ---------------------------------------------------------------------------------------------------------

COUNTED: list[dict[str, Any]] = [
    {},
    {"campaign": "c1"},
    {"pool": 1},
    {"campaign": "c2", "pool": 1},
    {"status": "closed"},
    {"status": "unprocessed", "campaign": "c1"},
    {"closure": "success"},
    {"closure": "anonymized"},
    {"public_status": "Sold"},
    {"scheme": "hero", "public_status": "success"},
    {"scheme": "hero", "public_status": "anonymized"},
    {"scheme": "luckyonline", "reason": "Repeated request"},
    {"scheme": "luckyonline", "public_status": "Confirmed", "status": "closed"},
    {"scheme": "luckyonline", "public_status": "Rejected"},
    {"scheme": "luckyonline", "public_status": "In Progress", "pool": 2},
    {"public_status": "No SMS Reply", "closure": "success"},
    {"public_status": "SMS in Progress"},
]
LOOKED_UP: list[dict[str, Any]] = [
    {"owner": "team:root"},
    {"last_by": "ann"},
    {"due_before": "2026-03-02T10:00:00Z"},
    {"public_status": "Sold", "last_by": "bob"},
]


async def every_kind(caller: Caller) -> None:
    """Leads that are open and closed, of two campaigns, with activities and without, and two that were forgotten."""
    await caller.ok("PUT", "/v1/campaigns/c2", {"scheme": "luckyonline"})
    leads = [{"phone": f"+1415555{at:04}"} for at in (170, 171, 172, 170)] + [{"phone": "12"}]
    await caller.ok("POST", "/v1/leads", {"campaign": "c2", "name": "n", "leads": leads})
    await caller.ok("PATCH", "/v1/agents/ann", {"campaigns": ["c1", "c2"]})
    await caller.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["c1", "c2"]})
    for lead, code in ((5, "confirmed"), (6, "client_refused"), (4, "success"), (2, "success")):
        lease = await caller.ok("POST", "/v1/agents/ann/take", {"lead": lead})
        await caller.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": code})
    await caller.ok("POST", "/v1/leads/2/activities", SMS_OUT)
    for lead in (4, 6):
        await caller.ok("POST", f"/v1/leads/{lead}/anonymize")


@pytest.mark.parametrize("which", [*COUNTED, *LOOKED_UP], ids=str)
async def test_a_count_is_what_the_store_counts(house: House, shop: Caller, which: dict[str, Any]) -> None:
    # R13.4, R10.6
    await every_kind(shop)
    engine, archive = house.dialer.engine, house.dialer.archive
    saved = await shop.ok("PUT", "/v1/filters/x", {"filter": which})
    listed = (await shop.ok("GET", "/v1/leads", params={**which, "limit": 1000}))["items"]
    body = LeadFilterBody(**{name: value for name, value in which.items() if name in _PLAIN})
    if which in COUNTED:
        asked = lead_filter(engine, body)
        assert counted(engine, body, asked) == await archive.count(asked) == len(listed)
    assert saved["count"] == len(listed) == len(await ids(shop, "x"))
    assert (saved["count"] > 0) == (which not in _NONE)


_PLAIN = ("campaign", "pool", "scheme", "public_status", "reason", "status", "closure")
_NONE = ({"campaign": "c2", "pool": 1},)


async def test_counts_that_the_engine_has_cost_the_store_nothing(
    house: House, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no(_which: Any) -> int:
        raise AssertionError

    monkeypatch.setattr(house.dialer.archive, "count", no)
    for which in COUNTED[:4:2]:
        assert (await shop.ok("PUT", "/v1/filters/x", {"filter": which}))["count"] == 4
    assert len((await shop.ok("GET", "/v1/filters"))["items"]) == 1


@pytest.mark.parametrize("scheme", ["hero", "luckyonline", "smartlists", None])
async def test_every_lead_is_found_under_what_it_is_shown_as_and_nowhere_else(
    house: House, shop: Caller, scheme: str | None
) -> None:  # R13.1, R13.4
    await every_kind(shop)
    by = {} if scheme is None else {"scheme": scheme}
    groups: dict[tuple[str, str | None], list[int]] = {}
    for lead in (await shop.ok("GET", "/v1/leads", params=by))["items"]:
        shown = lead["public_status"]
        for key in ((shown["status"], None), (shown["label"], None), (shown["status"], shown["reason"])):
            if lead["id"] not in groups.setdefault(key, []):
                groups[key].append(lead["id"])
    engine = house.dialer.engine
    names = house.dialer.engine.schemes if scheme is None else [scheme]
    words = {(status, None) for name in names for status in engine.schemes[name].statuses}
    assert len(groups) > 4
    for status, reason in {*words, *groups}:
        which = {**by, "public_status": status} | ({} if reason is None else {"reason": reason})
        body = LeadFilterBody(**which)
        try:
            asked = lead_filter(engine, body)
        except Invalid:  # no campaign has the scheme of that word
            assert (scheme, status in engine.schemes["hero"].statuses) == (None, True)
            continue
        expected = groups.get((status, reason), [])
        assert [each.lead.id for each in await house.dialer.archive.leads(asked)] == expected, which
        assert counted(engine, body, asked) == len(expected)
