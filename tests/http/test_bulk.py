"""One action for many leads: which leads, what is done, what a dry run says (SPEC R10.1)."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from http_kit import NUMBERS, Caller, House, token_of

BULK = "/v1/leads/bulk"
REMOVE = {"action": "remove"}


async def statuses(centre: Caller) -> list[str]:
    return [lead["status"] for lead in (await centre.ok("GET", "/v1/leads"))["items"]]


async def send(caller: Caller, file: bytes, options: object, path: str = BULK, **more: Any) -> httpx.Response:
    parts = {"file": ("list.csv", file, "text/csv"), "options": (None, json.dumps(options), "application/json")}
    return await caller.call("POST", path, files=parts, **more)


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 4]),
    ({"campaign": "c1", "pool": 1, "status": "unprocessed"}, [1, 2, 3, 4]),
    ({"phone": "(415) 555-0101"}, [2]),
    ({"q": "lead 3"}, [4]),
    ({"owner": "team:root"}, [1, 2, 3, 4]),
    ({"status": "closed"}, []),
    ({"closure": "success"}, []),
    ({"pool": 9}, []),
    ({"due_before": "2026-03-02T09:00:01Z"}, [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("which", "ids"), FILTERS)
async def test_leads_of_a_filter_are_removed(centre: Caller, which: dict[str, Any], ids: list[int]) -> None:
    answer = await centre.ok("POST", BULK, REMOVE | {"filter": which})
    assert answer == {"matched": len(ids), "done": len(ids), "refused": {}, "invalid": 0, "errors": []}
    closed = [lead["id"] for lead in (await centre.ok("GET", "/v1/leads?closure=removed"))["items"]]
    assert closed == ids


async def test_a_filter_means_what_it_means_in_the_list(centre: Caller) -> None:
    for which, _ in FILTERS:
        listed = (await centre.ok("GET", "/v1/leads", params=which))["items"]
        would = await centre.ok("POST", f"{BULK}?dry_run=true", REMOVE | {"filter": which})
        assert would["matched"] == len(listed), which


async def test_leads_by_id_each_once(centre: Caller) -> None:
    answer = await centre.ok("POST", BULK, REMOVE | {"ids": [3, 1, 3, 99]})
    assert answer == {"matched": 3, "done": 2, "refused": {"not_found": 1}, "invalid": 0, "errors": []}
    assert await statuses(centre) == ["closed", "unprocessed", "closed", "unprocessed"]


FILES = [
    (b"1\n3\n", {}, [1, 3]),
    (b"\xef\xbb\xbfid\r\n1\r\n\r\n3\r\n", {}, [1, 3]),
    (b"name;ID;x\nAnn;1;z\nBob;3;z\n", {}, [1, 3]),
    (b"1,Ann\n3,Bob", {}, [1, 3]),
    ("id\n1\n3\n".encode("utf-16"), {}, [1, 3]),
    (b"phone\n+14155550100\n(415) 555-0102\n", {"by": "phone"}, [1, 3]),
    (b"4155550100\n", {"by": "phone", "campaign": "c1"}, [1]),
    (b"4155550100\n", {"by": "phone", "campaign": "c2"}, []),
    (b"", {}, []),
    (b"id\n", {}, []),
]


@pytest.mark.parametrize(("file", "options", "ids"), FILES)
async def test_leads_of_a_file(centre: Caller, file: bytes, options: dict[str, str], ids: list[int]) -> None:
    await centre.ok("PUT", "/v1/campaigns/c2", {})
    answer = await send(centre, file, REMOVE | options)
    assert answer.status_code == 200, answer.text
    assert answer.json()["done"] == len(ids)
    closed = [lead["id"] for lead in (await centre.ok("GET", "/v1/leads?closure=removed"))["items"]]
    assert closed == ids


async def test_rows_that_are_not_understood_are_told_and_hold_nobody_up(centre: Caller) -> None:
    answer = (await send(centre, b"id\n1\nAnn\n-1\n\n2\n", REMOVE)).json()
    assert (answer["matched"], answer["done"], answer["invalid"]) == (2, 2, 2)
    assert [error["row"] for error in answer["errors"]] == [3, 4]
    answer = (await send(centre, b"12\n+14155550102\n+14155550109\n", REMOVE | {"by": "phone"})).json()
    assert (answer["done"], answer["refused"], answer["errors"]) == (
        1,
        {"not_found": 1},
        [{"row": 1, "reason": "is too short"}],
    )


BAD_FILES = [
    (b"PK\x03\x04\x00\x00", "file"),
    (b"1" * 30_000, "file"),
    (b'"' + b"x\n" * 200_000, "file"),
]


@pytest.mark.parametrize(("file", "field"), BAD_FILES)
async def test_a_file_that_is_no_list(centre: Caller, file: bytes, field: str) -> None:
    answer = await send(centre, file[:250_000], REMOVE)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert set(await statuses(centre)) == {"unprocessed"}


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"ids": [1]}, 400, "action"),
    (REMOVE, 400, "filter"),
    (REMOVE | {"ids": [1], "filter": {}}, 400, "filter"),
    (REMOVE | {"ids": []}, 400, "ids"),
    (REMOVE | {"ids": ["1"]}, 400, "ids[0]"),
    (REMOVE | {"filter": {"colour": "red"}}, 400, "filter.colour"),
    (REMOVE | {"filter": {"campaign": "none"}}, 422, "campaign"),
    (REMOVE | {"filter": {"owner": "agent:none"}}, 422, "owner"),
    (REMOVE | {"filter": {}, "priority": 1}, 400, "priority"),
    ({"action": "priority", "filter": {}}, 400, "priority"),
    ({"action": "priority", "filter": {}, "priority": 0}, 400, "priority"),
    ({"action": "owner", "filter": {}}, 400, "owner"),
    ({"action": "owner", "filter": {}, "owner": "agent:none"}, 422, "owner"),
    ({"action": "shuffle", "filter": {}}, 400, "action"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
async def test_a_body_that_is_not_right(centre: Caller, body: dict[str, Any], status: int, field: str) -> None:
    problem = await centre.no(status, "POST", BULK, body)
    assert problem["errors"][0]["field"] == field
    assert set(await statuses(centre)) == {"unprocessed"}


async def test_reopening_is_for_admins(house: House, centre: Caller) -> None:
    supervisor = house.caller(await token_of(centre, "supervisor"))
    await supervisor.ok("POST", BULK, REMOVE | {"ids": [1]})
    assert (await supervisor.no(403, "POST", BULK, {"action": "reopen", "ids": [1]}))["code"] == "forbidden"
    assert (await centre.ok("POST", BULK, {"action": "reopen", "ids": [1]}))["done"] == 1


async def test_priority_and_owner(centre: Caller) -> None:  # R2.3
    await centre.ok("POST", BULK, {"action": "priority", "ids": [1, 2], "priority": 3})
    await centre.ok("POST", BULK, {"action": "priority", "ids": [2], "priority": None})
    await centre.ok("POST", BULK, {"action": "owner", "filter": {"pool": 1}, "owner": {"agent": "bob"}})
    leads = (await centre.ok("GET", "/v1/leads"))["items"]
    assert [lead["priority"] for lead in leads] == [3, 5, 5, 5]
    assert {lead["owner"]["agent"] for lead in leads} == {"bob"}


async def test_more_than_a_slice(house: House, centre: Caller) -> None:
    leads = [{"phone": f"+1415555{at:04}"} for at in range(200, 200 + 450)]
    pool = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "many", "leads": leads})
    commits = len(house.store.commits)
    answer = await centre.ok("POST", BULK, REMOVE | {"filter": {"pool": pool["id"]}}, headers={"Idempotency-Key": "k"})
    assert (answer["matched"], answer["done"]) == (pool["counts"]["valid"],) * 2
    assert answer["matched"] > 400
    slices = -(-answer["matched"] // 100)
    assert len(house.store.commits) == commits + slices  # the answer goes with the last slice
    again = await centre.call("POST", BULK, REMOVE | {"filter": {"pool": pool["id"]}}, headers={"Idempotency-Key": "k"})
    assert (again.json(), again.headers["nextlead-repeated"]) == (answer, "true")
    assert len(house.store.commits) == commits + slices


async def every_kind(centre: Caller) -> None:
    """Leads of every kind that an action may meet, their ids from 1 on."""
    leads = [{"phone": f"+1415555{at:04}", "data": {"name": "x"}} for at in range(300, 310)]
    await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "more", "leads": leads})
    held = {"campaign": "c1", "name": "held", "leads": [{"phone": "+14155550350", "data": {"colour": "red"}}]}
    assert (await centre.ok("POST", "/v1/leads", held))["state"] == "awaiting_confirmation"
    redial = {"outcome": "redial", "kind": "private", "at": "2026-03-02T12:00:00Z"}
    result = {"outcome": "resolved", "result": "success"}
    busy = {"outcome": "unreached", "cause": "busy"}
    for lead, outcome in enumerate((redial, redial, result, {"outcome": "unresolved"}, busy), 1):
        lease = await centre.ok("POST", "/v1/agents/ann/take", {"lead": lead})
        await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", outcome)
    await centre.ok("POST", "/v1/leads/2/release")
    for lead in (6, 7, 8):
        await centre.ok("POST", f"/v1/leads/{lead}/remove")
    await centre.ok("POST", "/v1/do-not-call", {"number": (await centre.ok("GET", "/v1/leads/7"))["phones"][0]})
    await centre.ok("POST", "/v1/do-not-call", {"number": (await centre.ok("GET", "/v1/leads/9"))["phones"][0]})
    await centre.ok("POST", "/v1/agents/ann/take", {"lead": 10})
    await centre.ok("POST", "/v1/agents/bob/take", {"lead": 11})
    await centre.ok("POST", "/v1/leads/11/remove")


async def of_expired_pools(centre: Caller) -> None:
    """The same kinds in pools that have expired since, one of them a promise that is kept, one on the screen."""
    await every_kind(centre)
    await centre.ok("PATCH", "/v1/campaigns/c1", {"dialer": {"expire_after": "PT0.001S", "lease_timeout": "3h"}})
    await centre.ok("POST", "/v1/clock", {"advance": "1s"})


async def of_invalid_rows(centre: Caller) -> None:
    """Leads that came in closed, without a number, and as duplicates."""
    options = {"on_invalid": "close", "duplicates": {"action": "close"}}
    leads = [{"phone": "12"}, {"phone": "+14155550100"}, {"phone": "+14155550160", "priority": 5000}]
    await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "bad", "leads": leads} | options)


async def of_a_rejected_list(centre: Caller) -> None:
    """Leads that came in closed with a list that nobody wanted: they stay."""
    leads = [{"phone": "+14155550160", "priority": 5000}, {"phone": "+14155550161", "data": {"colour": "red"}}]
    body = {"campaign": "c1", "name": "unwanted", "on_invalid": "close", "leads": leads}
    pool = await centre.ok("POST", "/v1/leads", body)
    await centre.ok("POST", f"/v1/pools/{pool['id']}/reject")


async def of_a_restricted_agent(centre: Caller) -> None:
    """Promises, and an agent who could not keep them."""
    await every_kind(centre)
    await centre.ok("PATCH", "/v1/settings", {"redial_restrictions": True})
    await centre.ok("PATCH", "/v1/agents/bob", {"campaigns": []})


KINDS = {
    every_kind: 8,
    of_expired_pools: 7,
    of_invalid_rows: 4,
    of_a_rejected_list: 2,
    of_a_restricted_agent: 8,
}
ACTIONS: list[dict[str, Any]] = [
    REMOVE,
    {"action": "release"},
    {"action": "reopen"},
    {"action": "priority", "priority": 2},
    {"action": "owner", "owner": "agent:bob"},
]


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("action", ACTIONS, ids=[each["action"] for each in ACTIONS])
async def test_a_dry_run_says_what_would_happen_to_each_kind_and_does_nothing(
    centre: Caller, action: dict[str, Any], make: Callable[[Caller], Awaitable[None]]
) -> None:
    await make(centre)
    before = (await centre.ok("GET", "/v1/leads?limit=1000"))["items"]
    kinds = {(lead["status"], lead["closure"], lead["lease"] is None) for lead in before}
    assert len(kinds) == KINDS[make]
    for lead in [each["id"] for each in before] + [999]:
        would = await centre.ok("POST", f"{BULK}?dry_run=true", action | {"ids": [lead]})
        assert (await centre.ok("GET", "/v1/leads?limit=1000"))["items"] == before
        did = await centre.ok("POST", BULK, action | {"ids": [lead]})
        assert would == did, before[lead - 1] if lead < 999 else lead
        before = (await centre.ok("GET", "/v1/leads?limit=1000"))["items"]


async def test_leads_that_come_meanwhile_are_not_among_those_of_the_filter(house: House, centre: Caller) -> None:
    archive: Any = house.dialer.archive
    read = archive.leads

    async def slow(which: Any) -> Any:
        found = await read(which)
        archive.leads = read
        await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "n", "leads": [{"phone": "+14155550177"}]})
        return found

    archive.leads = slow
    assert (await centre.ok("POST", BULK, REMOVE | {"filter": {}}))["done"] == len(NUMBERS)
    assert (await centre.ok("GET", "/v1/leads?status=unprocessed"))["items"][0]["phones"] == ["+14155550177"]


async def test_what_is_leased_closes_when_its_lease_ends(centre: Caller) -> None:  # R1.5
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    assert (await centre.ok("POST", BULK, REMOVE | {"filter": {}}))["done"] == 4
    assert (await centre.ok("GET", "/v1/leads/1"))["status"] == "unprocessed"
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "unreached", "cause": "busy"})
    assert done["lead"]["closure"] == "removed"
