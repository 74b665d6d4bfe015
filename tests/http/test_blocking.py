"""The do-not-call lists: both scopes, import, check, roles (SPEC R10.2 to R10.5)."""

import json
from typing import Any

import httpx
import pytest
from http_kit import NUMBERS, Caller, House, token_of
from msgspec import msgpack

from nextlead.core.commands import Anonymise

LIST = "/v1/do-not-call"
IMPORT = f"{LIST}/import"


async def send(caller: Caller, file: bytes, options: object, query: str = "") -> httpx.Response:
    parts = {"file": ("list.csv", file, "text/csv"), "options": (None, json.dumps(options), "application/json")}
    return await caller.call("POST", IMPORT + query, files=parts)


async def test_both_lists_are_shown_and_checked(centre: Caller) -> None:  # R10.2
    for scope, reason in (("global", "by law"), ("organisation", "asked us")):
        body = {"number": NUMBERS[0], "scope": scope, "reason": reason}
        assert (await centre.ok("POST", LIST, body))["scope"] == scope
    await centre.ok("POST", f"{LIST}?scope=global", {"number": NUMBERS[1]})
    listed = (await centre.ok("GET", LIST))["items"]
    assert [(each["number"], each["scope"]) for each in listed] == [
        (NUMBERS[0], "organisation"),
        (NUMBERS[0], "global"),
        (NUMBERS[1], "global"),
    ]
    assert len((await centre.ok("GET", f"{LIST}?scope=organisation"))["items"]) == 1
    assert len((await centre.ok("GET", f"{LIST}?scope=global"))["items"]) == 2
    found = await centre.ok("GET", f"{LIST}/{NUMBERS[0]}")
    assert (found["blocked"], found["closure"], found["forgotten"]) == (True, "global_do_not_call", False)
    assert [each["reason"] for each in found["entries"]] == ["asked us", "by law"]
    assert (await centre.ok("GET", "/v1/leads/1"))["closure"] == "global_do_not_call"
    assert (await centre.call("DELETE", f"{LIST}?number={NUMBERS[0]}&scope=global")).status_code == 204
    assert (await centre.ok("GET", f"{LIST}/{NUMBERS[0]}"))["closure"] == "do_not_call"


async def test_the_list_comes_in_pages(centre: Caller) -> None:
    for scope in ("global", "organisation"):
        await centre.ok("POST", IMPORT, {"numbers": list(NUMBERS), "scope": scope})
    found: list[tuple[str, str]] = []
    after: str | None = ""
    pages = 0
    while after is not None:
        page = await centre.ok("GET", f"{LIST}?limit=3&after={after}")
        found += [(each["number"], each["scope"]) for each in page["items"]]
        after, pages = page["next"], pages + 1
    assert found == [(number, scope) for number in NUMBERS for scope in ("organisation", "global")]
    assert pages == 3


async def test_the_global_list_is_the_operators(house: House, centre: Caller) -> None:
    await centre.ok("POST", LIST, {"number": NUMBERS[0], "scope": "global"})
    admin = house.caller(await token_of(centre, "admin"))
    supervisor = house.caller(await token_of(centre, "supervisor"))
    refused: list[tuple[str, str, Any]] = [
        ("POST", LIST, {"number": NUMBERS[1], "scope": "global"}),
        ("POST", f"{LIST}?scope=global", {"number": NUMBERS[1]}),
        ("POST", IMPORT, {"numbers": [NUMBERS[1]], "scope": "global"}),
        ("POST", f"{IMPORT}?dry_run=true", {"numbers": [NUMBERS[1]], "scope": "global"}),
        ("DELETE", f"{LIST}?number={NUMBERS[0]}&scope=global", None),
    ]
    for method, path, body in refused:
        assert (await admin.no(403, method, path, body))["code"] == "forbidden"
        assert (await supervisor.no(403, method, path, body))["code"] == "forbidden"
    assert len((await supervisor.ok("GET", LIST))["items"]) == 1
    assert (await supervisor.ok("GET", f"{LIST}/{NUMBERS[0]}"))["blocked"]
    await supervisor.ok("POST", LIST, {"number": NUMBERS[2]})
    assert (await supervisor.no(403, "DELETE", f"{LIST}?number={NUMBERS[2]}"))["code"] == "forbidden"


async def test_a_dry_run_counts_the_leads_and_does_nothing(house: House, centre: Caller) -> None:
    body = {"number": NUMBERS[0], "reason": "asked us"}
    would = await centre.call("POST", f"{LIST}?dry_run=true", body, headers={"Idempotency-Key": "k"})
    again = await centre.call("POST", f"{LIST}?dry_run=true", body, headers={"Idempotency-Key": "k"})
    assert (would.status_code, again.status_code, again.json()) == (200, 200, would.json())
    assert (await centre.ok("GET", LIST))["items"] == []
    store: Any = house.store
    assert b"asked us" not in b"".join(row.body for row in store.inner._answers.values())
    assert await centre.ok("POST", LIST, body) == would.json()
    assert would.json()["leads"] == 1
    assert (await centre.ok("POST", f"{LIST}?dry_run=true", body | {"reason": "x"}))["reason"] == "asked us"


async def test_body_and_query_must_not_differ(centre: Caller) -> None:
    body = {"number": NUMBERS[0], "scope": "organisation"}
    assert (await centre.no(400, "POST", f"{LIST}?scope=global", body))["errors"][0]["field"] == "scope"


async def two_numbers(centre: Caller) -> int:
    lead = {"phone": ["+14155550150", "+14155550151"]}
    pool = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "two", "leads": [lead]})
    return int((await centre.ok("GET", f"/v1/leads?pool={pool['id']}"))["items"][0]["id"])


@pytest.mark.parametrize("way", ["one", "list", "file"])
async def test_drop_number_only_takes_the_number_while_another_is_left(centre: Caller, way: str) -> None:  # R10.3
    lead = await two_numbers(centre)
    for number, status in (("+14155550150", "unprocessed"), ("+14155550151", "closed")):
        if way == "one":
            made = await centre.ok("POST", LIST, {"number": number, "drop_number": True})
        elif way == "list":
            made = await centre.ok("POST", IMPORT, {"numbers": [number], "drop_number": True})
        else:
            made = (await send(centre, number.encode(), {"drop_number": True})).json()
        assert made["leads"] == 1
        found = await centre.ok("GET", f"/v1/leads/{lead}")
        assert found["status"] == status
        assert number not in found["phones"] or status == "closed"


async def test_an_import_counts_every_row(centre: Caller) -> None:  # R10.2
    await centre.ok("POST", LIST, {"number": NUMBERS[0]})
    file = b"reason;phone\nwrote;+14155550100\nrang;(415) 555-0101\n;4155550102\nx;12\nrang;+14155550101\n"
    answer = await send(centre, file, {"reason": "list of March"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "rows": 5,
        "added": 2,
        "already": 2,
        "leads": 2,
        "invalid": 1,
        "errors": [{"row": 5, "reason": "is too short"}],
    }
    reasons = {each["number"]: each["reason"] for each in (await centre.ok("GET", LIST))["items"]}
    assert reasons == {NUMBERS[0]: "", NUMBERS[1]: "rang", NUMBERS[2]: "list of March"}
    closures = [lead["closure"] for lead in (await centre.ok("GET", "/v1/leads"))["items"]]
    assert closures == ["do_not_call", "do_not_call", "do_not_call", None]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
async def test_an_import_in_any_encoding(centre: Caller, encoding: str) -> None:
    file = "Telephone\tReason\n+14155550100\tbat darum, höflich\n".encode(encoding)
    assert (await send(centre, file, {})).json()["added"] == 1
    assert (await centre.ok("GET", LIST))["items"][0]["reason"] == "bat darum, höflich"


async def test_an_import_as_json(centre: Caller) -> None:
    numbers = [{"number": NUMBERS[0], "reason": "own"}, NUMBERS[1], "nonsense", {"number": ""}]
    answer = await centre.ok("POST", IMPORT, {"numbers": numbers, "reason": "all"})
    assert (answer["rows"], answer["added"], answer["invalid"]) == (4, 2, 2)
    assert [error["row"] for error in answer["errors"]] == [3, 4]
    assert [each["reason"] for each in (await centre.ok("GET", LIST))["items"]] == ["own", "all"]


async def test_an_import_reads_numbers_with_the_default_region(centre: Caller) -> None:
    await centre.ok("PATCH", "/v1/settings", {"default_region": "GB"})
    await centre.ok("POST", IMPORT, {"numbers": ["020 7946 0018"]})
    assert [each["number"] for each in (await centre.ok("GET", LIST))["items"]] == ["+442079460018"]


async def test_a_dry_run_of_an_import_says_the_same_and_does_nothing(house: House, centre: Caller) -> None:
    file = b"phone\n+14155550100\n+14155550100\n+14155550101\n12\n"
    commits = len(house.store.commits)
    would = (await send(centre, file, {}, "?dry_run=true")).json()
    assert len(house.store.commits) == commits
    assert (await centre.ok("GET", LIST))["items"] == []
    assert (await send(centre, file, {})).json() == would
    assert would["leads"] == 2


async def test_an_import_is_cut_into_slices(house: House, centre: Caller) -> None:
    numbers = [f"+1415555{at:04}" for at in range(200, 450)]
    commits = len(house.store.commits)
    headers = {"Idempotency-Key": "k"}
    first = await centre.call("POST", IMPORT, {"numbers": numbers}, headers=headers)
    assert first.json()["added"] == 250 - first.json()["invalid"]
    assert len(house.store.commits) == commits + 3
    again = await centre.call("POST", IMPORT, {"numbers": numbers}, headers=headers)
    assert (again.json(), again.headers["nextlead-repeated"]) == (first.json(), "true")
    assert len(house.store.commits) == commits + 3


BAD: list[tuple[Any, int, str]] = [
    ({}, 400, "numbers"),
    ({"numbers": []}, 400, "numbers"),
    ({"numbers": [1]}, 400, "numbers[0]"),
    ({"numbers": ["1"], "scope": "all"}, 400, "scope"),
    ({"numbers": [{"number": "1", "why": "x"}]}, 400, "numbers[0].why"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
async def test_an_import_that_is_not_right(centre: Caller, body: Any, status: int, field: str) -> None:
    assert (await centre.no(status, "POST", IMPORT, body))["errors"][0]["field"] == field


async def test_a_file_that_is_no_list(centre: Caller) -> None:
    answer = await send(centre, b"\x00\x01\x02", {})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")
    assert (await centre.call("POST", IMPORT, content=b"x", headers={"content-type": "text/csv"})).status_code == 415


async def test_a_forgotten_number_is_told_and_not_written_down_again(house: House, centre: Caller) -> None:  # R10.6
    number = int(NUMBERS[0][1:])
    await house.dialer.submit(Anonymise(leads=(1,), numbers=(number,)))
    found = await centre.ok("GET", f"{LIST}/{NUMBERS[0]}")
    assert (found["blocked"], found["closure"], found["entries"], found["forgotten"]) == (True, "anonymized", [], True)
    made = await centre.ok("POST", LIST, {"number": NUMBERS[0], "reason": "Zoraida"})
    assert (made["forgotten"], made["leads"], made["reason"]) == (True, 0, "")
    answer = await centre.ok("POST", IMPORT, {"numbers": [NUMBERS[0]], "reason": "Zoraida"})
    assert (answer["added"], answer["already"]) == (0, 1)
    assert (await centre.ok("GET", LIST))["items"] == []
    assert number not in house.dialer.engine.blocked


async def test_no_answer_that_is_kept_has_a_number(house: House, centre: Caller) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"numbers": [NUMBERS[1], "Zoraida 12"], "reason": "Zoraida"}
    await centre.ok("POST", IMPORT, body, headers=headers)
    await centre.ok("POST", LIST, {"number": NUMBERS[2], "reason": "Zoraida"}, headers=headers)
    store: Any = house.store
    kept = b"".join(msgpack.encode(row) for row in store.inner._answers.values())
    assert kept
    for secret in (b"Zoraida", NUMBERS[1][1:].encode(), NUMBERS[2][1:].encode()):
        assert secret not in kept
