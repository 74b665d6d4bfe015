"""Status schemes over HTTP: everything that is in them can be read (SPEC R13.1)."""

import json

import pytest
from http_kit import Caller, House

from nextlead.core.schemes import Scheme
from nextlead_adapters.http.schemes import scheme_view
from nextlead_adapters.resources import resource
from nextlead_adapters.scheme_files import parse_scheme, shipped_schemes


async def test_schemes_are_listed_by_name_and_shown(admin: Caller) -> None:
    first = await admin.ok("GET", "/v1/schemes?limit=2")
    rest = await admin.ok("GET", f"/v1/schemes?limit=2&after={first['next']}")
    assert [scheme["name"] for scheme in first["items"] + rest["items"]] == sorted(shipped_schemes())
    assert rest["next"] is None
    for scheme in first["items"] + rest["items"]:
        assert await admin.ok("GET", f"/v1/schemes/{scheme['name']}") == scheme


async def test_one_that_is_not_there(admin: Caller) -> None:
    problem = await admin.no(404, "GET", "/v1/schemes/mars")
    assert problem["detail"] == "there is no status scheme mars"
    await admin.no(404, "GET", "/v1/schemes/Hero")
    await admin.no(404, "GET", "/v1/schemes/..%2Fnextlead")


async def test_a_scheme_is_told_whole_in_the_order_of_its_file(admin: Caller) -> None:
    lucky = await admin.ok("GET", "/v1/schemes/luckyonline")
    assert list(lucky) == [
        "name", "title", "about", "statuses", "results", "open", "closures", "categories", "rules", "activities",
        "over_activities", "upload_rules",
    ]  # fmt: skip
    assert lucky["statuses"] == ["Confirmed", "In Progress", "Rejected", "Trash"]
    assert lucky["results"][0] == {
        "code": "confirmed",
        "label": "Confirmed",
        "category": "success",
        "validation": False,
        "do_not_call": False,
        "shown": {"status": "Confirmed", "reason": None, "label": "Confirmed", "ours": False},
    }
    assert lucky["results"][-1]["code"] == "blacklisted"
    assert lucky["results"][-1]["do_not_call"] is True
    assert [entry["code"] for entry in lucky["open"]][:2] == ["unprocessed", "automatic_redial"]
    assert lucky["closures"][0] == {
        "code": "duplicate",
        "shown": {
            "status": "Trash",
            "reason": "Repeated request",
            "label": "Trash: Repeated request",
            "ours": False,
        },
    }
    ours = {entry["code"] for entry in lucky["closures"] if entry["shown"]["ours"]}
    assert ours == {"not_accepted", "max_call_attempts", "abandoned", "expired", "removed", "anonymized"}
    assert lucky["categories"][1]["shown"]["reason"] == "{label}"
    assert [entry["code"] for entry in lucky["rules"]][:2] == ["countries", "number_types"]
    assert (lucky["activities"], lucky["over_activities"]) == ([], [])
    duplicates = {"match": ["phone"], "scope": "campaign", "among": "open", "action": "close"}
    assert lucky["upload_rules"] == {"on_invalid": "close", "duplicates": duplicates}


async def test_activities_are_told_where_there_are_any(admin: Caller) -> None:
    smart = await admin.ok("GET", "/v1/schemes/smartlists")
    assert [entry["code"] for entry in smart["activities"]][:2] == ["sms_out", "sms_in"]
    over = {"do_not_call", "global_do_not_call", "removed", "anonymized", "expired"}
    assert set(smart["over_activities"]) == over
    assert smart["results"][1]["shown"]["status"] == "No Sale"  # by its category


async def test_a_result_may_stand_over_activities_too() -> None:
    text = resource("schemes/smartlists.toml").read_bytes().replace(b'["do_not_call", ', b'["success", "do_not_call", ')
    view = scheme_view(parse_scheme(text, "mine.toml"))
    assert view.over_activities == ["expired", "removed", "anonymized", "do_not_call", "global_do_not_call", "success"]


@pytest.mark.parametrize("name", shipped_schemes())
async def test_nothing_of_a_scheme_is_left_out(admin: Caller, name: str) -> None:
    scheme: Scheme = shipped_schemes()[name]
    view = await admin.ok("GET", f"/v1/schemes/{name}")
    sizes = {key: len(view[key]) for key in ("results", "open", "closures", "categories", "rules", "activities")}
    tables = (
        scheme.results,
        scheme.by_status,
        scheme.by_closure,
        scheme.by_category,
        scheme.by_rule,
        scheme.by_activity,
    )
    assert list(sizes.values()) == [len(table) for table in tables]
    assert set(view["over_activities"]) == scheme.over_activities


async def test_a_campaign_takes_a_scheme_by_the_name_that_is_listed(admin: Caller) -> None:  # R13.1
    for scheme in (await admin.ok("GET", "/v1/schemes"))["items"]:
        campaign = await admin.ok("PUT", f"/v1/campaigns/of-{scheme['name']}", {"scheme": scheme["name"]})
        assert campaign["scheme"] == scheme["name"]
        codes = [result["code"] for result in scheme["results"]]
        assert [result["code"] for result in campaign["template"]["results"]] == codes
        rules = {key: campaign["upload_rules"][key] for key in scheme["upload_rules"]}
        assert rules == scheme["upload_rules"]
    problem = await admin.no(422, "PUT", "/v1/campaigns/of-mars", {"scheme": "mars"})
    assert [error["field"] for error in problem["errors"]] == ["scheme"]
    assert "hero, luckyonline, smartlists" in json.dumps(problem["errors"])


async def test_agents_and_strangers_do_not_read_schemes(house: House, centre: Caller) -> None:
    token = (await centre.ok("POST", "/v1/tokens", {"role": "agent", "agent": "ann"}))["token"]
    await house.caller(token).no(403, "GET", "/v1/schemes")
    await house.caller(None).no(401, "GET", "/v1/schemes/hero")
