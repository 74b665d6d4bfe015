"""What leads are shown as, by their campaign's scheme and by any other; how they are found and counted by it."""

from typing import Any

import pytest
from http_kit import Caller, House

from nextlead.core.conditions import Condition
from nextlead.core.model import Status
from nextlead_adapters.http import public_status
from nextlead_adapters.http.lead_shapes import LeadFilterBody
from nextlead_adapters.http.public_status import shown_in, status_of

REJECTED = {"status": "Rejected", "reason": "Client refused", "label": "Rejected: Client refused"}
BULK = "/v1/leads/bulk?dry_run=true"


async def finish(caller: Caller, lead: int, body: dict[str, Any]) -> dict[str, Any]:
    lease = await caller.ok("POST", "/v1/agents/ann/take", {"lead": lead})
    done: dict[str, Any] = await caller.ok("POST", f"/v1/leases/{lease['token']}/finish", body)
    return done["lead"] | {"shown_on_screen": lease["lead"]["public_status"]}


def result(code: str) -> dict[str, str]:
    return {"outcome": "resolved", "result": code}


async def ids(caller: Caller, **which: str | int) -> list[int]:
    found = (await caller.ok("GET", "/v1/leads", params=which))["items"]
    would = await caller.ok("POST", BULK, {"action": "remove", "filter": which})
    assert would["matched"] == len(found), "a filter means in a body what it means in the list"
    return [lead["id"] for lead in found]


@pytest.fixture
async def lucky(centre: Caller) -> Caller:
    """LuckyOnline: leads 1 to 4 in progress, 5 a repeated request of lead 1's number, 6 without a number."""
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline"})
    leads = [{"phone": "+14155550100"}, {"phone": "12"}]
    await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "Week 11", "leads": leads})
    return centre


async def test_a_lead_is_shown_by_its_campaigns_scheme_wherever_it_is(lucky: Caller) -> None:  # R13.1, R13.2
    lead = await finish(lucky, 1, result("client_refused"))
    in_progress = {"status": "In Progress", "reason": None, "label": "In Progress"}
    assert lead.pop("shown_on_screen") == in_progress
    assert lead["public_status"] == REJECTED
    assert (await lucky.ok("GET", "/v1/leads/1")) == lead
    assert (await lucky.ok("GET", "/v1/leads"))["items"][0] == lead
    lines = (await lucky.ok("GET", "/v1/leads/1/history"))["items"]
    assert [line["public_status"] for line in lines] == [in_progress, REJECTED]
    assert [line["activity"] for line in lines] == [None, None]


async def test_every_submitted_lead_has_a_status(lucky: Caller) -> None:  # R13.2
    await finish(lucky, 2, result("confirmed"))
    labels = [lead["public_status"]["label"] for lead in (await lucky.ok("GET", "/v1/leads"))["items"]]
    assert labels == [
        "In Progress",
        "Confirmed",
        "In Progress",
        "In Progress",
        "Trash: Repeated request",
        "Trash: Invalid phone number",
    ]


async def test_the_rule_that_kept_a_lead_out_is_named(lucky: Caller) -> None:  # R9.4, R13.2
    await lucky.ok("PATCH", "/v1/campaigns/c1", {"upload_rules": {"countries": ["US"]}})
    pool = await lucky.ok("POST", "/v1/leads", {"campaign": "c1", "name": "n", "leads": [{"phone": "+442079460100"}]})
    (lead,) = (await lucky.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"]
    assert (lead["closure"], lead["not_accepted_by"]) == ("not_accepted", "countries")
    assert lead["public_status"]["label"] == "Trash: Non-existent country in the offer"
    assert await ids(lucky, reason="non existent country in the OFFER") == [lead["id"]]
    reopened = await lucky.ok("POST", f"/v1/leads/{lead['id']}/reopen")
    assert (reopened["not_accepted_by"], reopened["public_status"]["status"]) == (None, "In Progress")


async def test_by_another_scheme_when_asked(lucky: Caller) -> None:  # R13.4
    await finish(lucky, 1, result("confirmed"))
    lead = await lucky.ok("GET", "/v1/leads/1")
    by_hero = await lucky.ok("GET", "/v1/leads/1?scheme=hero")
    assert by_hero == lead | {"public_status": {"status": "confirmed", "reason": None, "label": "Confirmed"}}
    listed = (await lucky.ok("GET", "/v1/leads?scheme=smartlists"))["items"]
    assert [each["public_status"]["status"] for each in listed[:2]] == ["Sold", "New Account"]
    assert await ids(lucky, scheme="hero", public_status="duplicate") == [5]
    assert await ids(lucky, scheme="smartlists", public_status="Sold") == [1]


FOUND: list[tuple[dict[str, Any], list[int]]] = [
    ({"public_status": "In Progress"}, [2, 4]),
    ({"public_status": "in_progress"}, [2, 4]),
    ({"public_status": "IN-PROGRESS", "campaign": "c1"}, [2, 4]),
    ({"public_status": "Rejected"}, [1, 3]),
    ({"public_status": "Rejected: Client refused"}, [1]),
    ({"public_status": "Rejected", "reason": "client refused"}, [1]),
    ({"reason": "Repeated request"}, [5]),
    ({"public_status": "Trash"}, [5, 6]),
    ({"public_status": "Trash", "pool": 1}, []),
    ({"public_status": "Confirmed"}, []),
    ({"public_status": "Trash", "closure": "duplicate"}, [5]),
    ({"public_status": "Trash", "status": "unprocessed"}, []),
    ({"public_status": "Rejected", "q": "lead 2"}, [3]),
    ({"public_status": "success", "scheme": "hero"}, []),
    ({"pool": 99, "public_status": "Trash"}, []),
]


@pytest.mark.parametrize(("which", "found"), FOUND)
async def test_leads_are_found_by_what_they_are_shown_as(
    lucky: Caller, which: dict[str, Any], found: list[int]
) -> None:  # R13.4
    await finish(lucky, 1, result("client_refused"))
    await lucky.ok("POST", "/v1/leads/3/remove")
    await lucky.ok("PATCH", "/v1/leads/4", {"redial": {"kind": "vip", "at": "2026-03-02T10:00:00Z", "agent": "bob"}})
    assert await ids(lucky, **which) == found


async def test_each_by_its_own_campaigns_scheme(lucky: Caller) -> None:  # R13.4
    await lucky.ok("PUT", "/v1/campaigns/c2", {"scheme": "smartlists"})
    await lucky.ok("POST", "/v1/leads", {"campaign": "c2", "leads": [{"phone": "+14155550170"}]})
    assert await ids(lucky, public_status="New Account") == [7]
    assert await ids(lucky, public_status="In Progress") == [1, 2, 3, 4]
    assert await ids(lucky, public_status="In Progress", scheme="luckyonline") == [1, 2, 3, 4, 7]


async def test_an_anonymised_lead_is_shown_as_that_and_found_as_that(lucky: Caller) -> None:  # R10.6
    await finish(lucky, 1, result("confirmed"))
    assert await ids(lucky, public_status="Confirmed") == [1]
    await lucky.ok("POST", "/v1/leads/1/anonymize")
    lead = await lucky.ok("GET", "/v1/leads/1")
    assert lead["public_status"]["status"] == "Rejected"
    assert await ids(lucky, public_status="Confirmed") == []
    assert await ids(lucky, public_status=lead["public_status"]["label"]) == [1, 5]  # 5 was of the same person
    public = (await lucky.ok("GET", "/v1/pools/1"))["counts"]["public"]
    assert [(each["status"], each["count"]) for each in public] == [("Confirmed", 1), ("In Progress", 3)]


async def test_pages_of_a_public_status(lucky: Caller) -> None:
    which = {"public_status": "In Progress", "limit": 3}
    first = await lucky.ok("GET", "/v1/leads", params=which)
    second = await lucky.ok("GET", "/v1/leads", params=which | {"after": first["next"]})
    assert [[lead["id"] for lead in page["items"]] for page in (first, second)] == [[1, 2, 3], [4]]


BAD: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"scheme": "villain"}, "scheme", ["hero", "luckyonline", "smartlists"]),
    ({"public_status": "Sold"}, "public_status", ["Confirmed", "In Progress", "Rejected", "Trash"]),
    ({"public_status": "Sold", "campaign": "c1"}, "public_status", ["Confirmed", "Trash"]),
    ({"public_status": "Trash", "scheme": "hero"}, "public_status", ["unprocessed", "not_accepted", "client_refused"]),
    ({"public_status": "Trash", "reason": "Client refused"}, "reason", ["Repeated request", "Invalid phone number"]),
    ({"public_status": "Confirmed", "reason": "Client refused"}, "reason", ["there are none"]),
    ({"reason": "no idea"}, "reason", ["Language barrier", "Repeated request"]),
    ({"last_by": "nobody"}, "last_by", ["there is no agent nobody"]),
]


@pytest.mark.parametrize(("which", "field", "named"), BAD)
async def test_what_there_is_is_listed_when_something_else_is_asked_for(
    lucky: Caller, which: dict[str, Any], field: str, named: list[str]
) -> None:
    for method, path, more in (
        ("GET", "/v1/leads", {"params": which}),
        ("GET", "/v1/leads.csv", {"params": which}),
        ("POST", BULK, {"json": {"action": "remove", "filter": which}}),
    ):
        (error,) = (await lucky.no(422, method, path, **more))["errors"]
        assert error["field"] == field
        assert all(name in error["message"] for name in named), error["message"]


async def test_what_is_kept_of_schemes_has_an_end(house: House, lucky: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = dict[Any, Any]()
    monkeypatch.setattr(public_status, "_answers", kept)
    monkeypatch.setattr(public_status, "_KEPT", 2)
    for scheme, status in (("hero", "unprocessed"), ("smartlists", "New Account"), ("luckyonline", "In Progress")) * 2:
        lead = await lucky.ok("GET", f"/v1/leads/1?scheme={scheme}")
        assert lead["public_status"]["status"] == status
        assert 0 < len(kept) <= 2


async def test_words_are_known_before_there_is_a_campaign(admin: Caller) -> None:
    for which in ({"public_status": "success"}, {"scheme": "smartlists", "public_status": "no_sale"}):
        assert (await admin.ok("GET", "/v1/leads", params=which))["items"] == []
    problem = await admin.no(422, "GET", "/v1/leads?scheme=luckyonline&public_status=success")
    assert problem["errors"][0]["message"] == "must be one of Confirmed, In Progress, Rejected, Trash"


async def test_the_query_has_all_fields_of_the_body(lucky: Caller) -> None:
    document = (await lucky.ok("GET", "/openapi.json"))["paths"]
    query = {each["name"] for each in document["/v1/leads"]["get"]["parameters"]}
    assert query == {*LeadFilterBody.__struct_fields__, "limit", "after"}


async def test_a_scheme_is_asked_once_for_each_condition(house: House, lucky: Caller) -> None:
    engine = house.dialer.engine
    campaign = engine.campaigns.need("c1")
    fresh, other = Condition(Status.UNPROCESSED), Condition(Status.CLOSED, "confirmed")
    assert status_of(engine, campaign.no, fresh) is status_of(engine, campaign.no, fresh)
    before = status_of(engine, campaign.no, other)
    await lucky.ok("PATCH", "/v1/campaigns/c1", {"scheme": "smartlists"})
    assert (before.status, status_of(engine, campaign.no, other).status) == ("Confirmed", "Sold")
    assert shown_in(campaign, engine.schemes["luckyonline"], other) is before


READS = [
    ("POST", "/v1/agents/bob/next", ["data"]),
    ("GET", "/v1/leads", ["leads"]),
    ("GET", "/v1/leads?public_status=trash&reason=repeated-request&scheme=luckyonline", ["leads"]),
    ("GET", "/v1/leads/1", ["lead"]),
    ("GET", "/v1/leads/1/history", ["history", "lead"]),
    ("GET", "/v1/agents/bob/lease", ["data"]),
    ("GET", "/v1/pools/1", []),
]


async def test_what_leads_are_shown_as_takes_no_read_of_the_store(
    house: House, lucky: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive: Any = house.dialer.archive
    done: list[str] = []

    def counted(name: str) -> Any:
        read = getattr(archive, name)

        async def run(*which: Any) -> Any:
            done.append(name)
            return await read(*which)

        return run

    for name in ("lead", "leads", "data", "history", "count"):
        monkeypatch.setattr(archive, name, counted(name))
    for method, path, reads in READS:
        done.clear()
        await lucky.ok(method, path)
        assert sorted(done) == reads, path


# -- campaigns ------------------------------------------------------------------------------------------------------


def codes(campaign: dict[str, Any]) -> list[str]:
    return [each["code"] for each in campaign["template"]["results"]]


LUCKY = {"match": ["phone"], "scope": "campaign", "among": "open", "action": "close"}


async def test_a_campaign_has_what_its_scheme_says_unless_it_says_otherwise(centre: Caller) -> None:  # R13.1
    made = await centre.ok("PUT", "/v1/campaigns/x", {"scheme": "luckyonline"})
    assert (made["scheme"], codes(made)[:2]) == ("luckyonline", ["confirmed", "client_refused"])
    assert (made["upload_rules"]["on_invalid"], made["upload_rules"]["duplicates"]) == ("close", LUCKY)
    own = [{"code": "sold", "label": "Sold!", "category": "success"}]
    rules = {"on_invalid": "file"}
    body = {"scheme": "luckyonline", "template": {"results": own}, "upload_rules": rules}
    made = await centre.ok("PUT", "/v1/campaigns/y", body)
    assert (codes(made), made["upload_rules"]["on_invalid"]) == (["sold"], "file")
    assert made["upload_rules"]["duplicates"] == LUCKY
    made = await centre.ok("PATCH", "/v1/campaigns/y", {"template": {"results": []}})
    assert codes(made)[:2] == ["confirmed", "client_refused"]
    fields = {"scheme": "smartlists", "template": {"fields": [{"name": "city"}]}}
    assert codes(await centre.ok("PUT", "/v1/campaigns/z", fields)) == ["success", "not_interested"]


async def test_a_campaign_takes_another_scheme(centre: Caller) -> None:  # R13.1
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline"})
    assert (codes(campaign)[0], campaign["upload_rules"]["duplicates"]) == ("confirmed", LUCKY)
    assert campaign["template"]["fields"] != []
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", {"upload_rules": {"on_invalid": "file"}})
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "hero"})
    assert (codes(campaign)[0], campaign["upload_rules"]["on_invalid"]) == ("success", "file")
    assert campaign["upload_rules"]["duplicates"]["action"] == "skip"


async def test_what_was_changed_by_hand_stays_with_another_scheme(centre: Caller) -> None:
    own = {"template": {"results": [{"code": "sold", "label": "Sold!", "category": "success"}]}}
    await centre.ok("PATCH", "/v1/campaigns/c1", own | {"upload_rules": {"duplicates": {"action": "clone"}}})
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline"})
    assert (codes(campaign), campaign["upload_rules"]["duplicates"]["action"]) == (["sold"], "clone")
    lead = await finish(centre, 1, result("sold"))
    assert lead["public_status"]["status"] == "Confirmed"


async def test_a_template_and_a_scheme_at_once(centre: Caller) -> None:
    own = [{"code": "sold", "label": "Sold!", "category": "success"}]
    body = {"scheme": "luckyonline", "template": {"results": own}, "dialer": {"retention": {"sold": "60d"}}}
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", body)
    assert (codes(campaign), campaign["scheme"]) == (["sold"], "luckyonline")
    # Put back with another scheme, what was read is what counts: nothing of it is the new scheme's.
    body = {key: value for key, value in campaign.items() if key != "code"} | {"scheme": "smartlists"}
    again = await centre.ok("PUT", "/v1/campaigns/c1", body)
    assert again == campaign | {"scheme": "smartlists"}


async def test_a_closed_lead_keeps_its_result_when_the_template_loses_it(centre: Caller) -> None:
    own = [{"code": "maybe", "label": "May be", "category": "success"}]
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "luckyonline", "template": {"results": own}})
    await finish(centre, 1, result("maybe"))
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", {"template": {"results": []}})
    assert "maybe" not in codes(campaign)
    assert (await centre.ok("GET", "/v1/leads/1"))["public_status"]["status"] == "Confirmed"
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"retention": {"maybe": "60d", "confirmed": "90d"}}})
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "hero"})
    assert await ids(centre, public_status="maybe") == [1]
    problem = await centre.no(422, "PATCH", "/v1/campaigns/c1", {"dialer": {"retention": {"perhaps": "60d"}}})
    assert problem["errors"][0]["field"] == "dialer.retention.perhaps"


async def test_retention_goes_by_the_results_that_come_with_the_scheme(centre: Caller) -> None:  # R10.7
    retention = {"dialer": {"retention": {"confirmed": "60d"}}}
    problem = await centre.no(422, "PATCH", "/v1/campaigns/c1", retention)
    assert problem["errors"][0]["field"] == "dialer.retention.confirmed"
    hero = {"scheme": "luckyonline", "dialer": {"retention": {"success": "60d"}}}
    problem = await centre.no(422, "PUT", "/v1/campaigns/new", hero)
    assert problem["errors"][0]["field"] == "dialer.retention.success"
    campaign = await centre.ok("PATCH", "/v1/campaigns/c1", retention | {"scheme": "luckyonline"})
    assert campaign["dialer"]["retention"] == {"confirmed": "P60D"}


async def test_a_scheme_that_there_is_not(centre: Caller) -> None:
    for method, code in (("PUT", "x"), ("PATCH", "c1")):
        (error,) = (await centre.no(422, method, f"/v1/campaigns/{code}", {"scheme": "villain"}))["errors"]
        assert error == {"field": "scheme", "message": "must be one of hero, luckyonline, smartlists"}
    await centre.no(404, "GET", "/v1/campaigns/x")


# -- pools ----------------------------------------------------------------------------------------------------------


async def test_pools_count_by_public_status(lucky: Caller) -> None:  # R9.12, R13.4
    await finish(lucky, 1, result("client_refused"))
    await finish(lucky, 2, result("client_refused"))
    public = (await lucky.ok("GET", "/v1/pools/1"))["counts"]["public"]
    in_progress = {"status": "In Progress", "reason": None, "label": "In Progress"}
    assert public == [in_progress | {"count": 2}, REJECTED | {"count": 2}]
    text = (await lucky.call("GET", "/v1/pools/1/statistics.csv")).content.decode("utf-8-sig")
    lines = text.splitlines()
    assert "public.In Progress,2" in lines
    assert "public.Rejected: Client refused,2" in lines
    counts = (await lucky.ok("GET", "/v1/pools/2"))["counts"]
    assert sum(each["count"] for each in counts["public"]) == counts["open"] + sum(counts["closed"].values()) == 2
