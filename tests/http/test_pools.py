"""Pools over HTTP: uploads, leads as JSON, lists, the buttons."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from http_kit import BODY_MAX, UPLOAD_MAX, Caller, House

from nextlead_adapters.http import pool_preview
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.services import Limits

CSV = b"phone,name\n+14155550160,Ann\n+14155550161,Bob\n12,Cid\n+14155550160,Dan\n"
OPTIONS = {"campaign": "c1", "name": "Upload"}


async def send(
    caller: Caller, file: bytes = CSV, options: object = OPTIONS, name: str = "list.csv", **more: Any
) -> httpx.Response:
    parts = {"file": (name, file, "text/csv"), "options": (None, json.dumps(options), "application/json")}
    return await caller.call("POST", "/v1/pools", files=parts, **more)


@pytest.fixture
def upload_dir(house: House, tmp_path: Path) -> Iterator[Path]:
    """Uploads go here; nothing is left behind when the test ends."""
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


async def test_a_file_becomes_a_pool(centre: Caller) -> None:
    made = await send(centre)
    assert made.status_code == 201, made.text
    pool = made.json()
    counts: dict[str, Any] = {"valid": 2, "invalid": 1, "duplicates": 1, "ready": 2, "open": 2, "leased": 0}
    public = [{"status": "unprocessed", "reason": None, "label": "Unprocessed", "count": 2}]
    counts |= {"closed": {}, "public": public}
    expected = {
        "id": 2,
        "name": "Upload",
        "campaign": "c1",
        "campaign_name": "First",
        "project": "default",
        "description": "",
        "state": "active",
        "active": True,
        "source": "file",
        "file_name": "list.csv",
        "owner": {"team": "root"},
        "priority": None,
        "counts": counts,
        "percent_closed": 0.0,
        "percent_used": 0.0,
        "deleted": 0,
        "duplicates": {"match": ["phone"], "scope": "campaign", "among": "all", "action": "skip"},
        "on_invalid": "file",
        "unmatched": [],
        "error": "",
        "active_from": None,
        "active_until": None,
        "uploaded_by": "admin",
        "created": "2026-03-02T09:00:00Z",
        "modified": "2026-03-02T09:00:00Z",
        "loaded": "2026-03-02T09:00:00Z",
        "expired": None,
        "shuffle_seed": None,
        "original": {"name": "list.csv", "bytes": len(CSV), "erased_rows": 0},
        "work": [],
    }
    assert pool == expected | {"campaign_id": pool["campaign_id"]}
    assert await centre.ok("GET", "/v1/pools/2") == pool


async def test_all_options(centre: Caller) -> None:
    options = {
        "campaign": "c1",
        "name": "All",
        "description": "of them",
        "owner": {"agent": "ann"},
        "priority": 3,
        "mapping": {"Tel": "phone", "Who": "name", "Junk": None},
        "duplicates": {"match": ["phone", "name"], "scope": "pool", "among": "open", "action": "load"},
        "on_invalid": "close",
        "active_from": "2026-03-01T00:00:00+01:00",
        "active_until": "2026-04-01T00:00:00Z",
    }
    pool = (await send(centre, b"Tel;Who;Junk\n4155550165;Zo\xc3\xab;x\n", options)).json()
    assert (pool["owner"], pool["priority"], pool["description"]) == ({"agent": "ann"}, 3, "of them")
    assert (pool["active_from"], pool["active_until"]) == ("2026-02-28T23:00:00Z", "2026-04-01T00:00:00Z")
    assert pool["duplicates"] == options["duplicates"]
    assert pool["on_invalid"] == "close"
    (lead,) = (await centre.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"]
    assert (lead["data"], lead["owner"], lead["priority"]) == ({"name": "Zoë"}, {"agent": "ann"}, 3)


async def test_unmatched_columns_wait_for_confirmation(centre: Caller) -> None:  # R9.3
    held = (await send(centre, b"phone,colour\n+14155550166,red\n")).json()
    assert (held["state"], held["unmatched"], held["counts"]["ready"]) == ("awaiting_confirmation", ["colour"], 0)
    assert (await centre.no(409, "POST", f"/v1/pools/{held['id']}/activate"))["facts"]["state"] == held["state"]
    assert (await centre.ok("POST", f"/v1/pools/{held['id']}/confirm"))["state"] == "active"
    other = (await send(centre, b"phone,colour\n+14155550167,red\n")).json()
    dropped = await centre.ok("POST", f"/v1/pools/{other['id']}/reject")
    assert (dropped["state"], dropped["counts"]["open"]) == ("rejected", 0)


BAD_UPLOADS: list[tuple[bytes, object, int, str]] = [
    (CSV, {}, 400, "campaign"),
    (CSV, {"campaign": "c1", "colour": "red"}, 400, "colour"),
    (CSV, {"campaign": "nowhere"}, 422, "campaign"),
    (CSV, {"campaign": "c1", "active_from": "2026-03-01T00:00:00"}, 400, "active_from"),
    (CSV, {"campaign": "c1", "mapping": {"tel": "phone"}}, 422, "mapping.tel"),
    (CSV, {"campaign": "c1", "duplicates": {"match": ["colour"]}}, 422, "duplicates.match"),
    (CSV, {"campaign": "c1", "duplicates": {"match": ["name+name"]}}, 422, "duplicates.match"),
    (CSV, {"campaign": "c1", "duplicates": {"action": "eat"}}, 400, "duplicates.action"),
    (CSV, {"campaign": "c1", "on_invalid": "eat"}, 400, "on_invalid"),
    (CSV, {"campaign": "c1", "sheet": "Second"}, 422, "sheet"),
    (b"", OPTIONS, 422, "file"),
    (b"name\nAnn\n", OPTIONS, 422, "file"),
    (b"\x00\x01\x02" * 100, OPTIONS, 422, "file"),
    (b"PK\x03\x04" + b"x" * 100, OPTIONS, 422, "file"),
]


@pytest.mark.parametrize(("file", "options", "status", "field"), BAD_UPLOADS)
async def test_an_upload_that_is_not_right_makes_no_pool(
    house: House, centre: Caller, upload_dir: Path, file: bytes, options: object, status: int, field: str
) -> None:
    app = create_app(house.tenants, limits=Limits(upload_dir=upload_dir))
    caller = Caller(app, (await centre.ok("POST", "/v1/tokens", {"role": "admin"}))["token"], {})
    answer = await send(caller, file, options)
    assert answer.status_code == status, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert list(house.dialer.engine.pools) == [1]


BOUNDARY = {"content-type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nphone\r\n'
OPTIONS_PART = b'--b\r\nContent-Disposition: form-data; name="options"\r\n\r\n{"campaign": "c1"}\r\n'
BAD_FORMS = [
    (BOUNDARY, b"", 400),
    (BOUNDARY, b"nonsense", 400),
    (BOUNDARY, FILE + b"--b--\r\n", 400),
    (BOUNDARY, OPTIONS_PART + b"--b--\r\n", 400),
    (BOUNDARY, FILE + OPTIONS_PART, 400),
    (BOUNDARY, FILE + FILE + OPTIONS_PART + b"--b--\r\n", 400),
    (BOUNDARY, FILE.replace(b'"file"', b'"other"') + b"--b--\r\n", 400),
    (BOUNDARY, b"--b\r\n\r\nno header\r\n--b--\r\n", 400),
    (BOUNDARY, b"--b\r\nContent-Disposition: " + b"x" * 100_000, 400),
    (BOUNDARY, FILE + OPTIONS_PART.replace(b'{"campaign": "c1"}', b"{") + b"--b--\r\n", 400),
    ({"content-type": "multipart/form-data"}, FILE, 415),
    ({"content-type": "multipart/form-data; boundary=" + "b" * 1000}, FILE, 400),
    ({"content-type": "application/json"}, b"{}", 415),
    ({}, b"", 415),
]


@pytest.mark.parametrize(("headers", "body", "status"), BAD_FORMS)
async def test_a_form_that_is_not_one(
    house: House, centre: Caller, upload_dir: Path, headers: dict[str, str], body: bytes, status: int
) -> None:
    app = create_app(house.tenants, limits=Limits(upload_dir=upload_dir))
    caller = Caller(app, (await centre.ok("POST", "/v1/tokens", {"role": "admin"}))["token"], {})
    await caller.no(status, "POST", "/v1/pools", content=body, headers=headers)


async def test_a_file_over_the_limit(centre: Caller) -> None:
    answer = await send(centre, b"phone\n" + b"1" * UPLOAD_MAX)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    answer = await send(centre, options={"campaign": "c1", "description": "x" * BODY_MAX})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_client_that_goes_in_the_middle_of_its_file_leaves_nothing(
    house: House, centre: Caller, upload_dir: Path
) -> None:
    app = create_app(house.tenants, limits=Limits(upload_dir=upload_dir))
    token = (await centre.ok("POST", "/v1/tokens", {"role": "admin"}))["token"]
    messages = [{"type": "http.request", "body": FILE, "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def take(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", BOUNDARY["content-type"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/pools", "query_string": b"", "headers": headers}
    await app(scope, receive, take)
    assert sent == []


async def test_a_large_file_answers_while_it_loads(house: House, centre: Caller) -> None:
    house.intake._small_bytes = 10
    made = await send(centre)
    assert made.status_code == 202
    assert made.json()["state"] == "loading"
    pool = made.json()
    while pool["state"] == "loading":
        await asyncio.sleep(0)
        pool = await centre.ok("GET", f"/v1/pools/{pool['id']}")
    assert (pool["state"], pool["counts"]["valid"]) == ("active", 2)


async def test_leads_as_json(centre: Caller) -> None:
    leads = [
        {"phone": ["+14155550170", "+14155550171"], "data": {"NAME": "Ann"}, "priority": 2, "owner": "agent:ann"},
        {"phone": "nonsense"},
        {"phone": "+14155550170"},
        "not a lead",
    ]
    made = await centre.call("POST", "/v1/leads", {"campaign": "c1", "leads": leads})
    assert made.status_code == 201
    pool = made.json()
    assert pool["source"] == "api"
    assert {key: pool["counts"][key] for key in ("valid", "invalid", "duplicates")} == {
        "valid": 1,
        "invalid": 2,
        "duplicates": 1,
    }
    (lead,) = (await centre.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"]
    assert (lead["phones"], lead["data"]) == (["+14155550170", "+14155550171"], {"name": "Ann"})
    assert (lead["priority"], lead["owner"]) == (2, {"agent": "ann"})


async def test_calls_of_one_token_share_a_pool(house: House, centre: Caller) -> None:  # R9.1
    one = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550172"}]})
    two = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550173"}]})
    assert (two["id"], two["counts"]["valid"]) == (one["id"], 2)
    other = house.caller((await centre.ok("POST", "/v1/tokens", {"role": "admin"}))["token"])
    three = await other.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550174"}]})
    assert three["id"] != one["id"]


POOL_FILTERS = [
    ("", [1, 2, 3]),
    ("campaign=c1", [1, 2]),
    ("campaign=c1,c2", [1, 2, 3]),
    ("state=inactive", [2]),
    ("state=active", [1, 3]),
    ("q=WEEK", [1]),
    ("q=other", [3]),
    ("active=true", [1, 3]),
    ("active=false", [2]),
    ("active=false&campaign=c2", []),
]


@pytest.mark.parametrize(("query", "ids"), POOL_FILTERS)
async def test_pools_are_found(centre: Caller, query: str, ids: list[int]) -> None:  # R9.14
    await centre.ok("PUT", "/v1/campaigns/c2", {})
    await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "b", "leads": [{"phone": "+14155550175"}]})
    more = {"name": "c", "description": "the other one", "leads": [{"phone": "+14155550176"}]}
    await centre.ok("POST", "/v1/leads", {"campaign": "c2"} | more)
    await centre.ok("POST", "/v1/pools/2/deactivate")
    assert [pool["id"] for pool in (await centre.ok("GET", f"/v1/pools?{query}"))["items"]] == ids


@pytest.mark.parametrize(("query", "field"), [("campaign=c1,none", "campaign"), ("after=x", "after")])
async def test_pools_of_what_there_is_not_are_refused(centre: Caller, query: str, field: str) -> None:
    problem = await centre.no(422, "GET", f"/v1/pools?{query}")
    assert problem["errors"][0]["field"] == field


async def test_an_edit_of_a_pool(centre: Caller) -> None:
    before = await centre.ok("GET", "/v1/pools/1")
    part = {"name": "New", "priority": 7, "active_until": "2026-05-01T00:00:00Z"}
    assert await centre.ok("PATCH", "/v1/pools/1", part) == before | part
    back = {"priority": None, "active_until": None}
    assert await centre.ok("PATCH", "/v1/pools/1", back) == before | back | {"name": "New"}


async def test_counts_are_of_now(centre: Caller) -> None:  # R9.13
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    counts = (await centre.ok("GET", "/v1/pools/1"))["counts"]
    assert (counts["ready"], counts["open"], counts["leased"], counts["closed"]) == (3, 4, 1, {})
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "resolved", "result": "success"})
    pool = await centre.ok("GET", "/v1/pools/1")
    assert (pool["counts"]["open"], pool["counts"]["closed"], pool["percent_closed"]) == (3, {"success": 1}, 25.0)
    assert pool["percent_used"] == 25.0
    await centre.ok("POST", "/v1/leads/4/remove")
    pool = await centre.ok("GET", "/v1/pools/1")
    assert (pool["percent_closed"], pool["percent_used"]) == (50.0, 25.0)  # nobody has seen the one that was removed


async def test_shuffle_with_a_seed_gives_the_same_order_again(centre: Caller) -> None:  # R9.10
    orders = []
    for seed in (7, 8, 7):
        await centre.ok("POST", "/v1/pools/1/shuffle", {"seed": seed})
        leases = [await centre.ok("POST", f"/v1/agents/{agent}/next") for agent in ("ann", "bob")]
        orders.append([lease["lead"]["id"] for lease in leases])
        for lease in leases:
            await centre.ok("POST", f"/v1/leases/{lease['token']}/end", {"outcome": "cancelled"})
            await centre.ok("POST", "/v1/clock", {"advance": "3m"})
    assert orders[0] != orders[1] or orders[1] != [1, 2]
    await centre.ok("POST", "/v1/pools/1/shuffle")


async def test_delete_says_what_stays(centre: Caller) -> None:  # R9.11
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "unreached", "cause": "busy"})
    answer = await centre.ok("DELETE", "/v1/pools/1")
    assert answer == {"deleted": 3, "kept": {"automatic_redial": 1}}
    await centre.no(404, "DELETE", "/v1/pools/9")


async def test_a_button_for_several_pools(centre: Caller) -> None:  # R9.14
    await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "b", "leads": [{"phone": "+14155550177"}]})
    answer = await centre.ok("POST", "/v1/pools/bulk", {"ids": [2, 1, 9], "action": "deactivate"})
    assert [(item["id"], item["ok"]) for item in answer["items"]] == [(2, True), (1, True), (9, False)]
    assert answer["items"][0]["pool"]["state"] == "inactive"
    assert answer["items"][2]["problem"]["code"] == "not_found"
    gone = await centre.ok("POST", "/v1/pools/bulk", {"ids": [2], "action": "delete"})
    assert gone["items"] == [{"id": 2, "ok": True, "deleted": {"deleted": 1, "kept": {}}}]


async def test_outside_its_dates_a_pool_is_not_active(centre: Caller) -> None:  # R9.9, R9.14
    await centre.ok(
        "PATCH", "/v1/pools/1", {"active_from": "2026-03-02T10:00:00Z", "active_until": "2026-03-02T11:00:00Z"}
    )
    for now, active in (("09:59:59", []), ("10:00:00", [1]), ("11:00:00", [])):
        await centre.ok("POST", "/v1/clock", {"now": f"2026-03-02T{now}Z"})
        assert [pool["id"] for pool in (await centre.ok("GET", "/v1/pools?active=true"))["items"]] == active
        assert (await centre.ok("GET", "/v1/pools/1"))["active"] is bool(active)


async def test_an_expired_pool_says_so(centre: Caller) -> None:  # R8.1
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"expire_after": "1h"}})
    await centre.ok("POST", "/v1/clock", {"advance": "1h"})
    pool = await centre.ok("GET", "/v1/pools/1")
    assert (pool["expired"], pool["counts"]["closed"]) == ("2026-03-02T10:00:00Z", {"expired": 4})
    assert (await centre.ok("GET", "/v1/pools?active=true"))["items"] == []


async def test_what_an_upload_leaves_out_is_as_its_campaign_has_it(centre: Caller) -> None:  # R9.4, R9.6
    rules = {"on_invalid": "close", "duplicates": {"match": ["name"], "action": "close", "scope": "organisation"}}
    await centre.ok("PATCH", "/v1/campaigns/c1", {"upload_rules": rules})
    pool = (await send(centre, options={"campaign": "c1", "duplicates": {"scope": "pool"}})).json()
    expected = {"match": ["name"], "scope": "pool", "among": "all", "action": "close"}
    assert (pool["on_invalid"], pool["duplicates"]) == ("close", expected)
    assert pool["counts"]["closed"] == {"invalid_phone_number": 1}


async def test_entries_by_hand_are_a_source_of_their_own(centre: Caller) -> None:  # R9.1
    entries = [("api", "+14155550172"), ("manual", "+14155550173"), ("manual", "+14155550174"), (None, "+14155550175")]
    pools = []
    for source, phone in entries:
        body: dict[str, Any] = {"campaign": "c1", "leads": [{"phone": phone}]}
        pools.append(await centre.ok("POST", "/v1/leads", body | ({"source": source} if source else {})))
    assert [pool["source"] for pool in pools] == ["api", "manual", "manual", "api"]
    assert pools[1]["id"] == pools[2]["id"]
    assert pools[0]["id"] == pools[3]["id"] != pools[1]["id"]
    problem = await centre.no(400, "POST", "/v1/leads", {"campaign": "c1", "leads": [{}], "source": "file"})
    assert problem["errors"][0]["field"] == "source"


# -- loading: cancelled, resumed ------------------------------------------------------------------------------------


async def test_a_file_that_is_loading_can_be_cancelled(house: House, centre: Caller) -> None:
    house.intake._small_bytes = 10
    made = (await send(centre)).json()
    assert made["state"] == "loading"
    gone = await centre.ok("POST", f"/v1/pools/{made['id']}/cancel")
    assert (gone["state"], gone["error"], gone["counts"]["open"]) == ("failed", "cancelled", 0)
    assert (await centre.no(409, "POST", f"/v1/pools/{made['id']}/cancel"))["code"] == "conflict"
    assert (await centre.call("GET", f"/v1/pools/{made['id']}/log")).text == "the pool failed: cancelled\n"


async def test_what_is_not_loading_is_neither_cancelled_nor_resumed(centre: Caller) -> None:
    for action in ("cancel", "resume"):
        assert (await centre.no(409, "POST", f"/v1/pools/1/{action}"))["code"] == "conflict"
        assert (await centre.no(404, "POST", f"/v1/pools/9/{action}"))["code"] == "not_found"


async def test_the_log_names_numbers_that_were_dropped(centre: Caller) -> None:  # R9.4
    pool = (await send(centre, b"phone,phone2\n+14155550160,12\n")).json()
    assert pool["counts"]["valid"] == 1
    assert (await centre.call("GET", f"/v1/pools/{pool['id']}/log")).text.startswith("row 2: ")


async def test_a_delete_can_be_tried_first(centre: Caller) -> None:  # R9.11
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "unreached", "cause": "busy"})
    would = await centre.ok("DELETE", "/v1/pools/1?dry_run=true")
    assert (await centre.ok("GET", "/v1/pools/1"))["counts"]["open"] == 4
    assert await centre.ok("DELETE", "/v1/pools/1") == would == {"deleted": 3, "kept": {"automatic_redial": 1}}
    assert (await centre.ok("GET", "/v1/pools/1"))["deleted"] == 3
    await centre.no(404, "DELETE", "/v1/pools/9?dry_run=true")


@pytest.mark.parametrize("shown", [False, True])
async def test_masters_stay_while_a_clone_does(centre: Caller, shown: bool) -> None:  # R9.11
    options = {"campaign": "c1", "duplicates": {"action": "clone"}}
    for pool in (2, 3):
        rows = b"phone\n+14155550160\n+14155550161\n+14155550161\n" if pool == 2 else b"phone\n+14155550160\n"
        assert (await send(centre, rows, options | {"name": str(pool)})).json()["id"] == pool
    if shown:
        (clone,) = [lead["id"] for lead in (await centre.ok("GET", "/v1/leads?pool=2"))["items"] if lead["master"]]
        lease = await centre.ok("POST", "/v1/agents/ann/take", {"lead": clone})
        await centre.ok("POST", f"/v1/leases/{lease['token']}/end", {"outcome": "cancelled"})
    would = await centre.ok("DELETE", "/v1/pools/2?dry_run=true")
    assert await centre.ok("DELETE", "/v1/pools/2") == would
    assert would["kept"] == ({"has_clones": 2, "shown_to_an_agent": 1} if shown else {"has_clones": 1})


async def test_many_pools_in_pages(house: House, centre: Caller) -> None:
    for at in range(120):
        await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": f"n{at}", "leads": [{"phone": "12"}]})
    first = await centre.ok("GET", "/v1/pools?limit=100")
    second = await centre.ok("GET", f"/v1/pools?limit=100&after={first['next']}")
    assert [pool["id"] for pool in first["items"] + second["items"]] == list(range(1, 122))
    assert second["next"] is None


async def test_a_large_pool_is_looked_at_in_slices(house: House, centre: Caller) -> None:  # R9.11
    leads = [{"phone": f"+1{area}5550{at}"} for area in (415, 212, 312, 617) for at in range(100, 200)]
    pool = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "many", "leads": leads})
    slices = 0
    read = house.dialer.read

    async def counted(look: Any) -> Any:
        nonlocal slices
        slices += 1
        return await read(look)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool_preview, "_SLICE", 50)
        patch.setattr(house.dialer, "read", counted)
        would = await centre.ok("DELETE", f"/v1/pools/{pool['id']}?dry_run=true")
    assert would["deleted"] == pool["counts"]["valid"] > 300
    assert slices > pool["counts"]["valid"] // 50
    assert await centre.ok("DELETE", f"/v1/pools/{pool['id']}") == would


async def in_state(centre: Caller, state: str) -> int:
    """A pool in that state, with a lead of every fate that matters to delete where it can have one."""
    if state in ("active", "inactive"):
        leases = [await centre.ok("POST", f"/v1/agents/{agent}/next") for agent in ("ann", "bob")]
        for lease, outcome in zip(
            leases, ({"outcome": "cancelled"}, {"outcome": "resolved", "result": "success"}), strict=True
        ):
            await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", outcome)
        await centre.ok("POST", f"/v1/pools/1/{state.replace('ive', 'ivate')}".replace("inactivate", "deactivate"))
        return 1
    held = (await send(centre, b"phone,colour\n+14155550190,red\n")).json()["id"]
    if state == "rejected":
        await centre.ok("POST", f"/v1/pools/{held}/reject")
    return int(held)


@pytest.mark.parametrize("state", ["active", "inactive", "awaiting_confirmation", "rejected"])
@pytest.mark.parametrize("action", ["activate", "deactivate", "confirm", "delete"])
async def test_a_dry_run_says_what_would_happen_and_does_nothing(centre: Caller, state: str, action: str) -> None:
    pool = await in_state(centre, state)
    before = await centre.ok("GET", "/v1/pools")
    body = {"ids": [pool], "action": action}
    (would,) = (await centre.ok("POST", "/v1/pools/bulk?dry_run=true", body))["items"]
    assert await centre.ok("GET", "/v1/pools") == before
    (did,) = (await centre.ok("POST", "/v1/pools/bulk", body))["items"]
    assert would["ok"] == did["ok"]
    assert would.get("state") == did.get("pool", {}).get("state")
    assert would.get("deleted") == did.get("deleted")
    assert would.get("problem", {}).get("code") == did.get("problem", {}).get("code")


async def test_a_shuffle_has_no_dry_run(centre: Caller) -> None:
    problem = await centre.no(422, "POST", "/v1/pools/bulk?dry_run=true", {"ids": [1], "action": "shuffle"})
    assert problem["errors"][0]["field"] == "dry_run"


async def test_a_seed_goes_with_shuffle_only(centre: Caller) -> None:
    problem = await centre.no(422, "POST", "/v1/pools/bulk", {"ids": [1], "action": "activate", "seed": 7})
    assert problem["errors"][0]["field"] == "seed"


async def test_entries_that_share_a_pool_are_counted_each_for_itself(centre: Caller) -> None:  # R9.1, R9.4
    def body(*phones: str) -> dict[str, Any]:
        return {"campaign": "c1", "leads": [{"phone": phone} for phone in phones]}

    first = await centre.ok("POST", "/v1/leads", body("+14155550160", "nope"))
    three, key = body("+14155550160", "+14155550161", "+14155550162"), {"Idempotency-Key": "k"}
    second = await centre.ok("POST", "/v1/leads", three, headers=key)
    assert first["id"] == second["id"]
    assert first["entered"] == {"valid": 1, "invalid": 1, "duplicates": 0}
    assert second["entered"] == {"valid": 2, "invalid": 0, "duplicates": 1}
    assert second["counts"]["valid"] == 3
    assert (await centre.ok("POST", "/v1/leads", three, headers=key))["entered"] == second["entered"]
