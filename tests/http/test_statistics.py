"""Statistics by public status and reason: what is asked, what is answered, and that the histories say the same."""

import csv
import io
from collections import Counter
from random import Random
from typing import Any

import pytest
from http_kit import Caller, House, token_of
from test_watching import scrape

from nextlead_adapters.http.statistics import _prefers_csv
from nextlead_adapters.http.times import format_time, parse_time

HOUR_MS = 3_600_000
START = "2026-03-02T09:00:00Z"
SHOP = {"name": "Shop", "scheme": "luckyonline", "upload_rules": {"countries": ["US"]}}


@pytest.fixture
async def shop(centre: Caller) -> Caller:
    """A campaign of partners' requests beside the centre's own; both of its agents work for it."""
    await centre.ok("PUT", "/v1/campaigns/shop", SHOP)
    for agent in ("ann", "bob"):
        await centre.ok("PATCH", f"/v1/agents/{agent}", {"campaigns": ["c1", "shop"]})
        await centre.ok("PUT", f"/v1/agents/{agent}/session", {"campaigns": ["shop"]})
    phones = ["+14155550120", "+14155550121", "+14155550121", "+442079460018", "no number", "+14155550122"]
    await centre.ok("POST", "/v1/leads", {"campaign": "shop", "leads": [{"phone": phone} for phone in phones]})
    return centre


def lines(view: dict[str, Any]) -> list[tuple[str, str | None, int]]:
    return [(item["status"], item["reason"], item["count"]) for item in view["items"]]


async def go_on(caller: Caller, by: str) -> str:
    return str((await caller.ok("POST", "/v1/clock", {"advance": by}))["now"])


async def finish(caller: Caller, agent: str, **outcome: Any) -> int:
    lease = await caller.ok("POST", f"/v1/agents/{agent}/next", {})
    await caller.ok("POST", f"/v1/leases/{lease['token']}/finish", outcome)
    return int(lease["lead"]["id"])


async def test_now_in_the_order_of_the_scheme(shop: Caller) -> None:  # R13.2, R13.4
    await finish(shop, "ann", outcome="resolved", result="confirmed")
    view = await shop.ok("GET", "/v1/statistics?campaign=shop")
    assert lines(view) == [
        ("Confirmed", None, 1),
        ("In Progress", None, 2),
        ("Trash", "Invalid phone number", 1),
        ("Trash", "Repeated request", 1),
        ("Trash", "Non-existent country in the offer", 1),
    ]
    assert view["statuses"] == {"Confirmed": 1, "In Progress": 2, "Trash": 3}
    assert view["items"][2] | {"ours": None} == {
        "status": "Trash",
        "reason": "Invalid phone number",
        "label": "Trash: Invalid phone number",
        "count": 1,
        "ours": None,
    }
    question = {"campaign": "shop", "pool": None, "scheme": "luckyonline", "from": None, "until": None, "by": "reached"}
    assert {key: view[key] for key in question} == question
    assert view["total"] == 6


async def test_where_there_is_nothing(admin: Caller) -> None:
    for query in (
        "",
        "?until=2026-03-02T12:00:00Z",
        "?from=2026-03-02T00:00:00Z",
        "?from=2026-03-02T00:00:00Z&by=created",
    ):
        view = await admin.ok("GET", f"/v1/statistics{query}")
        assert (view["total"], view["statuses"], view["items"]) == (0, {}, [])
    csv_text = (await admin.call("GET", "/v1/statistics.csv")).text
    assert csv_text.split() == ["\ufeffcampaign,status,reason,label,count"]


async def test_each_by_its_campaigns_scheme_or_all_by_one(shop: Caller) -> None:  # R13.4
    view = await shop.ok("GET", "/v1/statistics")
    assert view["scheme"] is None
    assert view["statuses"] == {"unprocessed": 4, "In Progress": 3, "Trash": 3}
    view = await shop.ok("GET", "/v1/statistics?scheme=smartlists")
    assert (view["scheme"], view["total"]) == ("smartlists", 10)
    assert view["statuses"]["New Account"] == 7


async def test_what_the_vocabulary_lacks_is_marked(shop: Caller) -> None:  # R13.2
    (lead,) = (await shop.ok("GET", "/v1/leads?campaign=shop&limit=1"))["items"]
    await shop.ok("POST", f"/v1/leads/{lead['id']}/remove", {})
    view = await shop.ok("GET", "/v1/statistics?campaign=shop")
    assert [item["reason"] for item in view["items"] if item.get("ours")] == ["Removed"]


async def test_reached_and_created(shop: Caller) -> None:  # R13.4
    noon = await go_on(shop, "PT3H")
    await finish(shop, "ann", outcome="resolved", result="client_refused")
    one = await go_on(shop, "PT1H")
    await shop.ok("POST", "/v1/leads", {"campaign": "shop", "leads": [{"phone": "+14155550130"}]})
    await finish(shop, "bob", outcome="resolved", result="confirmed")

    async def ask(**params: str) -> list[tuple[str, str | None, int]]:
        answer = await shop.call("GET", "/v1/statistics", params={"campaign": "shop", **params})
        assert answer.status_code == 200, answer.text
        return lines(answer.json())

    assert await ask(**{"from": noon, "until": one}) == [("Rejected", "Client refused", 1)]
    assert await ask(**{"from": one}) == [("Confirmed", None, 1), ("In Progress", None, 1)]
    assert ("In Progress", None, 3) in await ask(until=noon)  # until is exclusive
    assert ("In Progress", None, 2) in await ask(until=one)
    assert await ask(**{"from": one, "by": "created"}) == [("In Progress", None, 1)]
    assert await ask(until=noon, by="created") == [
        ("Confirmed", None, 1),
        ("In Progress", None, 1),
        ("Rejected", "Client refused", 1),
        ("Trash", "Invalid phone number", 1),
        ("Trash", "Repeated request", 1),
        ("Trash", "Non-existent country in the offer", 1),
    ]
    assert await ask(**{"from": "2030-01-01T00:00:00Z"}) == []
    assert await ask(until="2030-01-01T00:00:00Z") == await ask()
    assert await ask(until="1970-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (f"from={START}&until={START}", "until"),
        (f"from={START}&until=2026-03-02T08:00:00Z", "until"),
        ("scheme=nobodys", "scheme"),
        ("campaign=nobodys", "campaign"),
        ("pool=77", "pool"),
    ],
)
async def test_what_can_not_be_asked(shop: Caller, query: str, field: str) -> None:
    for path in ("/v1/statistics", "/v1/statistics.csv"):
        problem = await shop.no(422, "GET", f"{path}?{query}")
        assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("query", "field"), [("from=2026-03-02", "from"), ("by=luck", "by"), ("pool=x", "pool"), ("since=1", "since")]
)
async def test_what_is_malformed(shop: Caller, query: str, field: str) -> None:
    problem = await shop.no(400, "GET", f"/v1/statistics?{query}")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_for_supervisors(shop: Caller, house: House) -> None:
    agent = house.caller(await token_of(shop, "agent", "ann"))
    supervisor = house.caller(await token_of(shop, "supervisor"))
    for path in ("/v1/statistics", "/v1/statistics.csv"):
        await agent.no(403, "GET", path)
        assert (await supervisor.call("GET", path)).status_code == 200


async def test_as_csv(shop: Caller) -> None:  # R13.4
    result = {"code": "no", "label": "=cmd|' /C calc'!A0", "category": "negative"}
    await shop.ok("PATCH", "/v1/campaigns/shop", {"template": {"results": [result]}})
    await finish(shop, "ann", outcome="resolved", result="no")
    answer = await shop.call("GET", "/v1/statistics.csv?campaign=shop")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "statistics.csv" in answer.headers["content-disposition"]
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert head == ["status", "reason", "label", "count"]
    assert ["In Progress", "", "In Progress", "2"] in rows
    assert ["Rejected", "'=cmd|' /C calc'!A0", "Rejected: =cmd|' /C calc'!A0", "1"] in rows  # runs as no formula
    same = await shop.call("GET", "/v1/statistics?campaign=shop", headers={"Accept": "text/csv"})
    assert same.content == answer.content


async def test_csv_of_all_campaigns_tells_which(shop: Caller) -> None:
    answer = await shop.call("GET", "/v1/statistics.csv")
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert head == ["campaign", "status", "reason", "label", "count"]
    assert ["c1", "unprocessed", "", "Unprocessed", "4"] in rows
    assert ["shop", "In Progress", "", "In Progress", "3"] in rows


@pytest.mark.parametrize(
    ("accept", "is_csv"),
    [
        ("", False),
        ("*/*", False),
        ("text/csv", True),
        ("text/csv, */*", True),
        ("TEXT/CSV;q=0.9, application/json;q=0.5", True),
        ("application/json, text/csv", False),
        ("text/csv;q=0.2, application/json", False),
        ("text/html, */*;q=0.8", False),
        ("text/*;q=0.9, application/json;q=0.1", True),
        ("text/csv;q=zero", False),
        ("text/csv;q=0", False),
        (";;,,=", False),
    ],
)
def test_which_form_is_wanted(accept: str, is_csv: bool) -> None:
    assert _prefers_csv(accept) is is_csv


async def test_the_histories_say_the_same(shop: Caller) -> None:  # R13.4: as a partner would check it
    random = Random(13)
    times = [parse_time(START)]
    for _ in range(25):
        times.append(parse_time(await go_on(shop, random.choice(("PT1M", "PT40M", "PT7H")))))
        await one_step(shop, random)
    leads = (await shop.ok("GET", "/v1/leads?limit=1000"))["items"]
    past = {lead["id"]: (await shop.ok("GET", f"/v1/leads/{lead['id']}/history"))["items"] for lead in leads}
    for _ in range(30):
        first, last = sorted(random.sample(times, 2))
        span = {"from": format_time(first), "until": format_time(last)}
        for params in (span, {"until": span["until"]}):
            view = (await shop.call("GET", "/v1/statistics", params=params)).json()
            wanted = Counter(filter(None, (came_to(lead, past[lead["id"]], params) for lead in leads)))
            assert Counter({(status, reason): count for status, reason, count in lines(view)}) == wanted


async def one_step(shop: Caller, random: Random) -> None:
    agent = random.choice(("ann", "bob"))
    leads = (await shop.ok("GET", "/v1/leads?limit=1000"))["items"]
    lead = random.choice(leads)
    match random.choice(("finish", "finish", "remove", "reopen", "enter", "anonymise", "text")):
        case "finish":
            result = random.choice(("confirmed", "client_refused", "language_barrier"))
            answer = await shop.call("POST", f"/v1/agents/{agent}/next", {})
            if answer.status_code == 200:
                body = random.choice(
                    ({"outcome": "resolved", "result": result}, {"outcome": "unreached", "cause": "busy"})
                )
                await shop.call("POST", f"/v1/leases/{answer.json()['token']}/finish", body)
        case "enter":
            phone = f"+1415555{random.randint(200, 299):04}"
            await shop.ok("POST", "/v1/leads", {"campaign": "shop", "leads": [{"phone": phone}]})
        case "anonymise":
            if lead["closure"]:
                await shop.call("POST", f"/v1/leads/{lead['id']}/anonymize", {})
        case "text":
            body = {"interaction": "sms", "direction": "in"}
            await shop.call("POST", f"/v1/leads/{lead['id']}/activities", body)
        case action:
            await shop.call("POST", f"/v1/leads/{lead['id']}/{action}", {})


def came_to(lead: dict[str, Any], past: list[dict[str, Any]], params: dict[str, str]) -> tuple[str, str | None] | None:
    """From the lines that anybody can read; an anonymised lead stays what it was (SPEC R10.6)."""
    first = parse_time(params["from"]) if "from" in params else 0
    last, created = parse_time(params["until"]), parse_time(lead["created"])
    now = ("unprocessed", None) if lead["campaign"] == "c1" else ("In Progress", None)
    counts = created >= first
    if created >= last:
        return None
    for line in past:
        shown = (line["public_status"]["status"], line["public_status"]["reason"])
        if parse_time(line["at"]) >= last:
            break
        if line["event"] == "anonymized" and line["status_before"] == "closed":
            continue
        counts = counts or (shown != now and parse_time(line["at"]) >= first)
        now = shown
    return now if counts else None


async def test_as_a_metric(shop: Caller) -> None:  # R13.4
    """By each campaign's own scheme."""
    now = await scrape(shop)
    kept = {key: n for key, n in now.items() if key.startswith("nextlead_leads_by_public_status ")}
    assert kept == {
        "nextlead_leads_by_public_status c1 unprocessed ": 4,
        "nextlead_leads_by_public_status shop In Progress ": 3,
        "nextlead_leads_by_public_status shop Trash Invalid phone number": 1,
        "nextlead_leads_by_public_status shop Trash Repeated request": 1,
        "nextlead_leads_by_public_status shop Trash Non-existent country in the offer": 1,
    }
