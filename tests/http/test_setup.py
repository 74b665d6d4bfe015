"""Set-up over HTTP: what is there, what a partial body changes, what is refused."""

import asyncio
from typing import Any

import pytest
from http_kit import Caller, House, token_of


async def test_a_name_is_enough_for_a_campaign(admin: Caller) -> None:
    made = await admin.call("PUT", "/v1/campaigns/x", {"name": "x"})
    assert made.status_code == 201
    campaign = made.json()
    assert (campaign["project"], campaign["active"], campaign["scheme"]) == ("default", True, "hero")
    assert [result["code"] for result in campaign["template"]["results"]] == [
        "success",
        "not_interested",
        "invalid",
        "unqualified",
    ]
    assert campaign["dialer"] == {
        "priority": None,
        "redial_horizon": "P180D",
        "reserve_owner": None,
        "redials_per_slot": None,
        "dial_promised_when_inactive": True,
        "cancel_pause": "PT2M",
        "lease_timeout": "PT1H",
        "lease_max": "PT4H",
        "max_attempts": 7,
        "overdue_after": "PT5M",
        "release_private_after": "PT3H30M",
        "release_vip_after": "same",
        "retry": {
            "no_answer": ["PT2H", "PT4H", "P1D"],
            "busy": ["PT10M", "PT30M"],
            "voicemail": ["PT4H", "P1D"],
            "dropped": ["PT2M"],
            "congestion": ["PT5M"],
            "invalid_number": ["PT0S"],
        },
        "new_every": None,
        "weight": None,
        "max_unresolved": None,
        "rotate_numbers": True,
        "expires_at": None,
        "expire_after": None,
        "expire_promised": False,
        "retention": {},
        "calling_hours": None,
        "contact_limits": [],
    }
    assert campaign["upload_rules"] == {
        "countries": [],
        "number_types": [],
        "fields": {},
        "on_invalid": "file",
        "duplicates": {"match": ["phone"], "scope": "campaign", "among": "all", "action": "skip"},
    }
    assert await admin.ok("GET", "/v1/campaigns/x") == campaign


async def test_what_was_read_can_be_put_back(admin: Caller) -> None:
    dialer = {
        "release_vip_after": "never",
        "weight": 2.5,
        "calling_hours": {"zone": "Europe/London", "windows": {"mon": [["09:00", "24:00"]]}, "holidays": "GB"},
        "contact_limits": [{"max": 3, "per": "P1D"}, {"min_gap": "PT1H", "promised": True}],
    }
    campaign = await admin.ok("PUT", "/v1/campaigns/x", {"dialer": dialer})
    body = {key: value for key, value in campaign.items() if key != "code"}
    again = await admin.call("PUT", "/v1/campaigns/x", body)
    assert (again.status_code, again.json()) == (200, campaign)
    copy = await admin.ok("PUT", "/v1/campaigns/y", body)
    assert copy == campaign | {"code": "y"}


PARTS: list[tuple[dict[str, Any], str, Any]] = [
    ({"lease_timeout": "90m"}, "lease_timeout", "PT1H30M"),
    ({"release_private_after": None}, "release_private_after", None),
    ({"release_private_after": "never"}, "release_private_after", None),
    ({"release_vip_after": "1h"}, "release_vip_after", "PT1H"),
    ({"max_attempts": None}, "max_attempts", None),
    ({"priority": 3}, "priority", 3),
    ({"reserve_owner": "10m"}, "reserve_owner", "PT10M"),
    ({"new_every": 2}, "new_every", 2),
    ({"expires_at": "2026-12-31T23:00:00+01:00"}, "expires_at", "2026-12-31T22:00:00Z"),
    ({"expire_after": "30d"}, "expire_after", "P30D"),
    ({"expire_promised": True}, "expire_promised", True),
    ({"retention": {"success": "60d", "removed": "1h"}}, "retention", {"success": "P60D", "removed": "PT1H"}),
]


@pytest.mark.parametrize(("part", "key", "value"), PARTS)
async def test_a_part_of_the_dialer_settings_leaves_the_rest(
    admin: Caller, part: dict[str, Any], key: str, value: Any
) -> None:
    before = (await admin.ok("PUT", "/v1/campaigns/x", {"dialer": {"overdue_after": "7m"}}))["dialer"]
    after = (await admin.ok("PATCH", "/v1/campaigns/x", {"dialer": part}))["dialer"]
    assert after == before | {key: value}
    again = (await admin.ok("PUT", "/v1/campaigns/x", {"name": "new name"}))["dialer"]
    assert again == after


async def test_a_part_of_the_retries_leaves_the_other_causes(admin: Caller) -> None:
    before = (await admin.ok("PUT", "/v1/campaigns/x", {}))["dialer"]["retry"]
    after = (await admin.ok("PATCH", "/v1/campaigns/x", {"dialer": {"retry": {"busy": ["1m"]}}}))["dialer"]["retry"]
    assert after == before | {"busy": ["PT1M"]}


async def test_results_and_fields_are_given_whole(admin: Caller) -> None:
    results = [{"code": "sold", "label": "Sold", "category": "success", "validation": True}]
    fields = [{"name": " City ", "required": True}]
    campaign = await admin.ok("PUT", "/v1/campaigns/x", {"template": {"results": results}})
    assert campaign["template"]["results"] == [results[0] | {"do_not_call": False}]
    campaign = await admin.ok("PATCH", "/v1/campaigns/x", {"template": {"fields": fields}})
    assert campaign["template"]["fields"] == [{"name": "City", "type": "text", "required": True}]
    assert len(campaign["template"]["results"]) == 1
    campaign = await admin.ok("PATCH", "/v1/campaigns/x", {"template": {"results": []}})
    assert len(campaign["template"]["results"]) == 4


@pytest.mark.parametrize("kind", ["teams", "agents", "projects", "campaigns"])
async def test_the_five_calls_of_every_kind(admin: Caller, kind: str) -> None:
    path = f"/v1/{kind}/x"
    await admin.no(404, "GET", path)
    await admin.no(404, "PATCH", path, {"name": "one"})
    await admin.no(404, "DELETE", path)
    made = await admin.call("PUT", path, {"name": "one"})
    assert (made.status_code, made.json()["name"]) == (201, "one")
    assert (await admin.call("PUT", path, {})).status_code == 200
    assert (await admin.ok("PATCH", path, {"name": "two"}))["name"] == "two"
    assert (await admin.ok("GET", path))["name"] == "two"
    listed = await admin.ok("GET", f"/v1/{kind}")
    assert "x" in [item["code"] for item in listed["items"]]
    gone = await admin.call("DELETE", path)
    assert (gone.status_code, gone.content) == (204, b"")
    await admin.no(404, "GET", path)


async def test_what_something_depends_on_is_not_deleted(centre: Caller) -> None:
    for path in ("/v1/teams/t", "/v1/campaigns/c1", "/v1/projects/default", "/v1/teams/root"):
        assert (await centre.no(409, "DELETE", path))["code"] == "in_use"


async def test_teams_are_a_tree(admin: Caller) -> None:
    await admin.ok("PUT", "/v1/teams/a", {})
    child = await admin.ok("PUT", "/v1/teams/b", {"parent": "a"})
    assert child["parent"] == "a"
    assert (await admin.ok("PATCH", "/v1/teams/b", {"parent": None}))["parent"] == "root"
    assert (await admin.ok("GET", "/v1/teams/root"))["parent"] is None


async def test_an_agent(centre: Caller) -> None:
    agent = await centre.ok("PATCH", "/v1/agents/ann", {"may_set": ["common"], "team": None})
    assert agent == {
        "code": "ann",
        "name": "ann",
        "team": "root",
        "campaigns": ["c1"],
        "enabled": True,
        "may_set": ["common"],
        "session": {"agent": "ann", "campaigns": ["c1"], "cross_campaign_redials": True},
    }
    gone = await centre.ok("PATCH", "/v1/agents/ann", {"enabled": False})
    assert (gone["enabled"], gone["session"]) == (False, None)
    assert (await centre.no(409, "PUT", "/v1/agents/ann/session", {"campaigns": []}))["code"] == "agent_disabled"


async def test_deactivating_tells_what_becomes_of_promised_redials(centre: Caller) -> None:  # R3.3
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    redial = {"outcome": "redial", "kind": "private", "at": "2026-03-03T10:00:00Z"}
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", redial)
    answer = await centre.ok("POST", "/v1/campaigns/c1/deactivate")
    assert (answer["code"], answer["active"]) == ("c1", False)
    assert answer["promised_redials"] == {"dialable": {"ann": 1}, "withheld": {}}
    assert (await centre.ok("POST", "/v1/campaigns/c1/activate"))["active"] is True
    await centre.no(404, "POST", "/v1/campaigns/nowhere/deactivate")
    await centre.no(404, "POST", "/v1/campaigns/nowhere/activate")


async def test_settings(admin: Caller) -> None:
    before = await admin.ok("GET", "/v1/settings")
    assert before == {
        "redial_restrictions": False,
        "cross_campaign_redials_default": True,
        "default_region": "US",
        "abandon_after": "P7D",
        "leases_per_agent": 1,
        "manual_pool_gap": "PT30M",
        "restart_grace": "PT5M",
        "contact_limits": [],
    }
    part = {"redial_restrictions": True, "abandon_after": "48h", "leases_per_agent": 2}
    after = await admin.ok("PATCH", "/v1/settings", part)
    assert after == before | part | {"abandon_after": "P2D"}
    assert await admin.ok("GET", "/v1/settings") == after


async def test_a_list_comes_in_pages(admin: Caller) -> None:
    codes = sorted(f"x{at:02}" for at in range(7))
    for code in codes:
        await admin.ok("PUT", f"/v1/projects/{code}", {})
    found, after, pages = [], "", 0
    while True:
        page = await admin.ok("GET", f"/v1/projects?limit=3&after={after}")
        found += [item["code"] for item in page["items"]]
        pages += 1
        if page["next"] is None:
            break
        after = page["next"]
    assert (found, pages) == (["default", *codes], 3)


async def test_codes_may_be_of_any_language(admin: Caller) -> None:
    await admin.ok("PUT", "/v1/teams/%D0%BE%D1%82%D0%B4%D0%B5%D0%BB.1@x", {})
    assert (await admin.ok("GET", "/v1/teams/отдел.1@x"))["code"] == "отдел.1@x"


async def test_every_role_gets_what_it_was_made_for(house: House, centre: Caller) -> None:
    metrics = house.caller(await token_of(centre, "metrics"))
    assert (await metrics.call("GET", "/metrics")).status_code == 200
    supervisor = house.caller(await token_of(centre, "supervisor"))
    assert (await supervisor.ok("GET", "/v1/agents"))["items"]
    admin = house.caller(await token_of(centre, "admin"))
    assert (await admin.ok("PUT", "/v1/teams/new", {}))["code"] == "new"


# -- upload rules, expiry, retention --------------------------------------------------------------------------------

FIELDS = [{"name": "region"}, {"name": "age", "type": "number"}, {"name": "born", "type": "date"}]
RULES: dict[str, Any] = {
    "countries": ["US", "CA"],
    "number_types": ["mobile", "fixed_line"],
    "fields": {
        "region": {"allowed": ["North"], "prohibited": ["South"], "pattern": "[A-Z][a-z]+", "min": None, "max": None},
        "age": {"allowed": [], "prohibited": [], "pattern": "", "min": 18, "max": 99.5},
        "born": {"allowed": [], "prohibited": [], "pattern": "", "min": "1920-01-01", "max": None},
    },
    "on_invalid": "close",
    "duplicates": {"match": ["phone", "region+age"], "scope": "project", "among": "open", "action": "clone"},
}


async def test_upload_rules_are_kept_as_given_and_can_be_put_back(admin: Caller) -> None:  # R9.4
    made = await admin.ok("PUT", "/v1/campaigns/x", {"template": {"fields": FIELDS}, "upload_rules": RULES})
    assert made["upload_rules"] == RULES
    body = {key: value for key, value in made.items() if key != "code"}
    assert await admin.ok("PUT", "/v1/campaigns/y", body) == made | {"code": "y"}
    part = await admin.ok("PATCH", "/v1/campaigns/x", {"upload_rules": {"countries": []}})
    assert part["upload_rules"] == RULES | {"countries": []}


BAD_RULES: list[tuple[dict[str, Any], int, str]] = [
    ({"countries": ["XX"]}, 422, "upload_rules.countries"),
    ({"countries": ["us"]}, 400, "upload_rules.countries[0]"),
    ({"number_types": ["pigeon"]}, 422, "upload_rules.number_types"),
    ({"fields": {"colour": {}}}, 422, "upload_rules.fields.colour"),
    ({"fields": {"region": {"pattern": "("}}}, 422, "upload_rules.fields.region.pattern"),
    ({"fields": {"region": {"pattern": "(?<=a)b"}}}, 422, "upload_rules.fields.region.pattern"),
    ({"fields": {"region": {"min": 1}}}, 422, "upload_rules.fields.region.min"),
    ({"fields": {"age": {"max": "2026-01-01"}}}, 422, "upload_rules.fields.age.max"),
    ({"fields": {"age": {"min": 5, "max": 4}}}, 422, "upload_rules.fields.age.max"),
    ({"fields": {"age": {"allowed": ["old"]}}}, 422, "upload_rules.fields.age.allowed"),
    ({"fields": {"age": {"least": 5}}}, 400, "upload_rules.fields[...].least"),
    ({"on_invalid": "keep"}, 400, "upload_rules.on_invalid"),
    ({"duplicates": {"match": ["colour"]}}, 422, "upload_rules.duplicates.match"),
    ({"duplicates": {"action": "eat"}}, 400, "upload_rules.duplicates.action"),
]


@pytest.mark.parametrize(("rules", "status", "field"), BAD_RULES)
async def test_upload_rules_that_can_not_work_are_refused(
    admin: Caller, rules: dict[str, Any], status: int, field: str
) -> None:  # R9.4
    before = await admin.ok("PUT", "/v1/campaigns/x", {"template": {"fields": FIELDS}})
    problem = await admin.no(status, "PATCH", "/v1/campaigns/x", {"upload_rules": rules})
    assert [error["field"] for error in problem["errors"]] == [field]
    assert await admin.ok("GET", "/v1/campaigns/x") == before


async def test_a_field_that_rules_name_can_not_go(admin: Caller) -> None:
    for rules, key in (
        ({"fields": {"region": {}}}, "fields.region"),
        ({"duplicates": {"match": ["region"]}}, "duplicates.match"),
    ):
        await admin.ok("PUT", "/v1/campaigns/x", {"template": {"fields": FIELDS}, "upload_rules": rules})
        problem = await admin.no(422, "PATCH", "/v1/campaigns/x", {"template": {"fields": FIELDS[1:]}})
        assert problem["errors"][0]["field"] == f"upload_rules.{key}"
        await admin.ok("DELETE", "/v1/campaigns/x")


BAD_DIALER: list[tuple[dict[str, Any], int, str]] = [
    ({"expire_after": "0s"}, 422, "dialer.expire_after"),
    ({"expires_at": "2026-12-31"}, 400, "dialer.expires_at"),
    ({"retention": {"sucess": "60d"}}, 422, "dialer.retention.sucess"),
    ({"retention": {"anonymized": "60d"}}, 422, "dialer.retention.anonymized"),
    ({"retention": {"success": 60}}, 400, "dialer.retention[...]"),
    ({"retention": {"success": "59m"}}, 422, "dialer.retention.success"),
    ({"retention": {"removed": "PT0S"}}, 422, "dialer.retention.removed"),
]


@pytest.mark.parametrize(("dialer", "status", "field"), BAD_DIALER)
async def test_expiry_and_retention_that_can_not_work_are_refused(
    admin: Caller, dialer: dict[str, Any], status: int, field: str
) -> None:  # R8.1, R10.7
    await admin.ok("PUT", "/v1/campaigns/x", {})
    problem = await admin.no(status, "PATCH", "/v1/campaigns/x", {"dialer": dialer})
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_a_result_that_retention_names_may_go_later(admin: Caller) -> None:  # R10.7
    results = [{"code": "sold", "label": "Sold", "category": "success"}]
    made = await admin.ok(
        "PUT", "/v1/campaigns/x", {"template": {"results": results}, "dialer": {"retention": {"sold": "1d"}}}
    )
    assert made["dialer"]["retention"] == {"sold": "P1D"}
    results[0]["code"] = "bought"
    after = await admin.ok("PATCH", "/v1/campaigns/x", {"template": {"results": results}})
    assert after["dialer"]["retention"] == {"sold": "P1D"}


async def test_the_default_region_of_a_campaign_can_be_unset(admin: Caller) -> None:
    await admin.ok("PUT", "/v1/campaigns/x", {"default_region": "FR"})
    assert (await admin.ok("PATCH", "/v1/campaigns/x", {"default_region": ""}))["default_region"] == ""


async def test_those_who_change_a_campaign_under_load_undo_nothing_of_each_other(house: House, centre: Caller) -> None:
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("PATCH", "/v1/campaigns/c1", {"dialer": {"priority": 7}}),
        ("PATCH", "/v1/campaigns/c1", {"dialer": {"calling_hours": {"zone": "Europe/London"}}}),
        ("POST", "/v1/campaigns/c1/limit-pack", {"pack": "us-florida"}),
        ("PATCH", "/v1/campaigns/c1", {"dialer": {"calling_hours": {"campaign_zone": "Europe/Paris"}}}),
    ]
    house.dialer._backlog._most = len(calls)
    house.store.stall()
    async with asyncio.TaskGroup() as group:
        for no in range(len(calls)):
            group.create_task(centre.ok("PUT", f"/v1/teams/t{no}", {}))
        while house.dialer.queued < len(calls):
            await asyncio.sleep(0)
        for call in calls:  # there is no room for them
            group.create_task(centre.ok(*call))
        while house.dialer.queued < 2 * len(calls):
            await asyncio.sleep(0)
        house.store.release()
    dialer = (await centre.ok("GET", "/v1/campaigns/c1"))["dialer"]
    hours = dialer["calling_hours"]
    assert (dialer["priority"], hours["campaign_zone"], len(dialer["contact_limits"])) == (7, "Europe/Paris", 2)
    assert hours["windows"]["mon"] == [["08:00", "20:00"]]


async def test_a_campaign_that_goes_while_there_is_no_room_is_not_made_anew(house: House, centre: Caller) -> None:
    await centre.ok("PUT", "/v1/campaigns/c2", {})
    house.dialer._backlog._most = 3
    house.store.stall()
    async with asyncio.TaskGroup() as group:
        for no in range(3):
            group.create_task(centre.ok("PUT", f"/v1/teams/t{no}", {}))
        while house.dialer.queued < 3:
            await asyncio.sleep(0)
        group.create_task(centre.ok("DELETE", "/v1/campaigns/c2"))
        while house.dialer.queued < 4:
            await asyncio.sleep(0)
        group.create_task(centre.no(404, "PATCH", "/v1/campaigns/c2", {"name": "Second"}))
        group.create_task(centre.no(404, "POST", "/v1/campaigns/c2/deactivate"))
        while house.dialer.queued < 6:
            await asyncio.sleep(0)
        house.store.release()
    await centre.no(404, "GET", "/v1/campaigns/c2")
