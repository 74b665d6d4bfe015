"""Activities over HTTP: what may be logged of a lead, by whom, and what comes of it (SPEC R13.3, R13.5)."""

import asyncio
from typing import Any

import pytest
from http_kit import NUMBERS, Caller, House, token_of

SMS_IN = {"interaction": "sms", "direction": "in"}
SMS_OUT = {"interaction": "sms", "direction": "out"}
PATH = "/v1/leads/{}/activities"


async def log(caller: Caller, lead: int, body: dict[str, Any], **more: Any) -> Any:
    return await caller.ok("POST", PATH.format(lead), body, **more)


async def last_line(caller: Caller, lead: int) -> dict[str, Any]:
    items: list[dict[str, Any]] = (await caller.ok("GET", f"/v1/leads/{lead}/history"))["items"]
    return items[-1]


@pytest.fixture
async def shop(centre: Caller) -> Caller:
    await centre.ok("PATCH", "/v1/campaigns/c1", {"scheme": "smartlists"})
    return centre


async def close(caller: Caller, lead: int) -> None:
    await caller.ok("POST", f"/v1/leads/{lead}/remove")


def name_of(lead: dict[str, Any]) -> str:
    return str(lead["public_status"]["status"])


async def test_the_two_statuses_of_texts_flip_with_each_text(shop: Caller) -> None:  # R13.3
    assert name_of(await shop.ok("GET", "/v1/leads/1")) == "New Account"
    for body, status in ((SMS_OUT, "No SMS Reply"), (SMS_IN, "SMS in Progress"), (SMS_OUT, "No SMS Reply")):
        lead = await log(shop, 1, body)
        assert name_of(lead) == status
        assert (lead["status"], lead["attempts"], lead["data"]) == ("unprocessed", 0, {"name": "Lead 0"})
        assert await shop.ok("GET", "/v1/leads/1") == lead
    lines = (await shop.ok("GET", "/v1/leads/1/history"))["items"]
    assert [line["public_status"]["status"] for line in lines] == ["No SMS Reply", "SMS in Progress", "No SMS Reply"]
    assert lines[1]["event"] == "activity"
    assert lines[1]["activity"] == {
        "interaction": "sms",
        "direction": "in",
        "outcome": None,
        "explanation": "",
        "at": "2026-03-02T09:00:00Z",
        "agent": None,
    }


async def test_an_outcome_and_an_explanation_of_null_are_none(shop: Caller) -> None:
    nothing = {"outcome": None, "explanation": None}
    assert name_of(await log(shop, 1, SMS_IN | nothing)) == "SMS in Progress"
    assert name_of(await log(shop, 1, SMS_IN | {"outcome": "no_sale", "explanation": None})) == "No Sale"


async def test_what_an_activity_says_is_shown(shop: Caller) -> None:
    body = {"interaction": "email", "outcome": "no_sale", "explanation": "Satisfied", "agent": "ann", "note": "happy"}
    lead = await log(shop, 1, body | {"at": "2026-03-02T09:30:00+01:00", "data": {"age": 40}})
    assert lead["activity"] == {"kind": "satisfied", "at": "2026-03-02T08:30:00Z", "agent": "ann"}
    assert (name_of(lead), lead["status"], lead["closure"]) == ("Satisfied", "closed", "not_interested")
    assert lead["data"] == {"name": "Lead 0", "age": 40}
    line = await last_line(shop, 1)
    assert (line["note"], line["actor"], line["public_status"]["status"]) == ("happy", "admin", "Satisfied")
    assert (line["activity"]["explanation"], line["activity"]["agent"]) == ("Satisfied", "ann")


async def test_history_tells_who_did_it_from_who_logged_it(shop: Caller) -> None:  # R1.3, R13.3
    await log(shop, 1, SMS_OUT | {"agent": "ann"})
    await log(shop, 1, SMS_IN)
    late = await log(shop, 1, SMS_OUT | {"agent": "bob", "at": "2026-03-02T08:00:00Z"})
    assert late["activity"]["agent"] is None
    lines = (await shop.ok("GET", "/v1/leads/1/history"))["items"]
    assert [(line["actor"], line["activity"]["agent"]) for line in lines] == [
        ("admin", "ann"),
        ("admin", None),
        ("admin", "bob"),
    ]


async def test_a_finish_is_an_activity_too(shop: Caller) -> None:  # R13.5
    lease = await shop.ok("POST", "/v1/agents/ann/next")
    done = await shop.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "unreached", "cause": "voicemail"})
    assert name_of(done["lead"]) == "Left a Voicemail"
    assert done["lead"]["activity"] == {"kind": "left_a_voicemail", "at": "2026-03-02T09:00:00Z", "agent": "ann"}
    assert (await last_line(shop, 1))["activity"] is None


OUTCOMES = [
    ({"outcome": "sold"}, "Sold", "closed", "success"),
    ({"outcome": "no_sale"}, "No Sale", "closed", "not_interested"),
    ({"outcome": "no_answer"}, "No Answer", "automatic_redial", None),
    ({"outcome": "left_a_voicemail"}, "Left a Voicemail", "automatic_redial", None),
    ({"outcome": "wrong_number"}, "Wrong Number", "closed", "invalid_phone_number"),
    ({"outcome": "sale_in_progress"}, "Sale in Progress", "unresolved", None),
    (
        {"outcome": "sale_in_progress", "redial": {"kind": "private", "at": "2026-03-02T12:00:00Z"}},
        "Sale in Progress",
        "private_redial",
        None,
    ),
]


@pytest.mark.parametrize(("body", "shown", "status", "closure"), OUTCOMES)
async def test_a_logged_call_ends_the_lease(
    house: House, shop: Caller, body: dict[str, Any], shown: str, status: str, closure: str | None
) -> None:  # R13.5
    ann = house.caller(await token_of(shop, "agent", "ann"))
    lease = await ann.ok("POST", "/v1/agents/ann/next")
    lead = await log(ann, lease["lead"]["id"], {"interaction": "call", "number": "(415) 555-0100"} | body)
    assert (name_of(lead), lead["status"], lead["closure"]) == (shown, status, closure)
    assert (lead["lease"], lead["attempts"], lead["activity"]["agent"]) == (None, 1, "ann")
    assert (await shop.ok("GET", "/v1/agents/ann/lease"))["items"] == []
    line = await last_line(shop, lead["id"])
    assert (line["number"], line["activity"]["outcome"]) == (NUMBERS[0], body["outcome"])


async def test_another_agents_lease_is_refused(house: House, shop: Caller) -> None:  # R13.5
    await shop.ok("POST", "/v1/agents/ann/take", {"lead": 1})
    sold = {"interaction": "call", "outcome": "sold"}
    assert (await shop.no(409, "POST", PATH.format(1), sold | {"agent": "bob"}))["code"] == "leased"
    await shop.ok("PATCH", "/v1/leads/2", {"owner": "agent:bob"})
    bob = house.caller(await token_of(shop, "agent", "bob"))
    assert (await bob.no(404, "POST", PATH.format(1), sold))["code"] == "not_found"
    assert (await bob.no(403, "POST", PATH.format(2), sold | {"agent": "ann"}))["code"] == "forbidden"
    assert (await shop.ok("GET", "/v1/leads/1"))["lease"]["agent"] == "ann"
    assert (await log(bob, 2, sold | {"agent": "bob"}))["activity"]["agent"] == "bob"
    assert (await log(shop, 1, sold))["closure"] == "success"


async def test_texts_of_a_closed_lead_are_noted_and_nothing_else_is(shop: Caller) -> None:
    await log(shop, 1, {"interaction": "in_store", "outcome": "sold", "agent": "ann"})
    lead = await log(shop, 1, SMS_IN)
    assert (name_of(lead), lead["closure"], lead["activity"]["agent"]) == ("SMS in Progress", "success", None)
    assert lead["data"] == {"name": "Lead 0"}
    assert await shop.ok("GET", "/v1/leads/1") == lead
    for body in (SMS_IN | {"outcome": "no_sale"}, SMS_IN | {"data": {"age": 3}}):
        problem = await shop.no(409, "POST", PATH.format(1), body)
        assert (problem["code"], problem["facts"]["status"]) == ("wrong_status", "closed")
        assert "without outcome and data" in problem["detail"]


async def test_fields_that_are_changed_at_once_are_all_changed(shop: Caller) -> None:
    name, age = SMS_IN | {"data": {"name": "Anna"}}, SMS_IN | {"data": {"age": 41}}
    edit = shop.ok("PATCH", "/v1/leads/2", {"data": {"name": "Berta"}})
    await asyncio.gather(log(shop, 1, name), log(shop, 1, age), edit, log(shop, 2, age))
    assert (await shop.ok("GET", "/v1/leads/1"))["data"] == {"name": "Anna", "age": 41}
    assert (await shop.ok("GET", "/v1/leads/2"))["data"] == {"name": "Berta", "age": 41}


async def test_texts_of_a_closed_lead_that_come_at_once_are_all_noted(shop: Caller) -> None:
    await close(shop, 1)
    await asyncio.gather(*(log(shop, 1, SMS_IN if at % 2 else SMS_OUT) for at in range(12)))
    lines = (await shop.ok("GET", "/v1/leads/1/history"))["items"]
    assert sum(line["event"] == "activity" for line in lines) == 12
    assert lines[-1]["closure"] == "removed"


async def test_a_text_and_a_reopening_at_once(shop: Caller) -> None:
    await close(shop, 1)
    await asyncio.gather(
        *(log(shop, 1, SMS_IN) for _ in range(3)),
        shop.ok("POST", "/v1/leads/1/reopen"),
        *(log(shop, 1, SMS_OUT) for _ in range(3)),
    )
    lead = await shop.ok("GET", "/v1/leads/1")
    lines = (await shop.ok("GET", "/v1/leads/1/history"))["items"]
    assert lead["status"] == "unprocessed"
    assert [line["event"] for line in lines].count("activity") == 6
    assert lines[-1]["status"] == "unprocessed"


async def test_a_lead_that_closes_while_its_row_is_read_gets_its_text(house: House, shop: Caller) -> None:
    archive: Any = house.dialer.archive
    read = archive.lead

    async def slow(lead: int) -> Any:
        found = await read(lead)
        archive.lead = read
        await close(shop, lead)
        return found

    archive.lead = slow
    lead = await log(shop, 1, SMS_IN)
    assert (lead["closure"], lead["activity"]["kind"]) == ("removed", "sms_in")


async def test_a_text_of_a_lead_that_has_just_closed_waits_until_that_is_durable(house: House, shop: Caller) -> None:
    house.store.stall()
    closing = asyncio.create_task(close(shop, 1))
    while house.dialer.engine.lead(1) is not None:
        await asyncio.sleep(0)
    text = asyncio.create_task(log(shop, 1, SMS_IN))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not text.done()
    house.store.release()
    await closing
    assert (await text)["closure"] == "removed"


async def test_an_erased_lead_takes_no_text(shop: Caller) -> None:  # R10.6
    await shop.ok("POST", "/v1/leads/1/anonymize")
    assert (await shop.no(409, "POST", PATH.format(1), SMS_IN))["code"] == "wrong_status"


async def test_an_idempotency_key(house: House, shop: Caller) -> None:
    key = {"Idempotency-Key": "gateway-message-17"}
    first = await shop.call("POST", PATH.format(1), SMS_IN, headers=key)
    again = await shop.call("POST", PATH.format(1), SMS_IN, headers=key)
    assert (again.json(), again.headers["nextlead-repeated"]) == (first.json(), "true")
    assert len((await shop.ok("GET", "/v1/leads/1/history"))["items"]) == 1
    await close(shop, 1)
    commits = len(house.store.commits)
    await shop.call("POST", PATH.format(1), SMS_OUT, headers={"Idempotency-Key": "18"})
    assert len(house.store.commits) == commits + 1  # the answer is kept in the commit of the text


async def test_an_activity_logged_late_is_in_the_history_only(shop: Caller) -> None:
    await log(shop, 1, SMS_IN)
    late = await log(shop, 1, SMS_OUT | {"at": "2026-03-02T08:00:00Z"})
    assert name_of(late) == "SMS in Progress"
    line = await last_line(shop, 1)
    assert (line["at"], line["activity"]["at"]) == ("2026-03-02T09:00:00Z", "2026-03-02T08:00:00Z")


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "interaction"),
    ({"interaction": "fax"}, 400, "interaction"),
    ({"interaction": "sms"}, 400, "direction"),
    ({"interaction": "sms", "direction": "up"}, 400, "direction"),
    ({"interaction": "call"}, 422, "outcome"),
    ({"interaction": "email", "outcome": "no_answer"}, 422, "outcome"),
    ({"interaction": "in_store", "outcome": "wrong_number"}, 422, "outcome"),
    (SMS_OUT | {"outcome": "left_a_voicemail"}, 422, "outcome"),
    ({"interaction": "call", "outcome": "won"}, 400, "outcome"),
    ({"interaction": "call", "outcome": "sold", "explanation": "satisfied"}, 422, "explanation"),
    (SMS_IN | {"explanation": "satisfied"}, 422, "explanation"),
    (SMS_IN | {"at": "2026-03-02T09:00:00.001Z"}, 422, "at"),
    (SMS_IN | {"at": "2026-03-02T09:00:00"}, 400, "at"),
    (SMS_IN | {"agent": "nobody"}, 422, "agent"),
    (SMS_IN | {"number": "+14155550100"}, 422, "number"),
    (SMS_IN | {"data": {"colour": "red"}}, 422, "data.colour"),
    ({"interaction": "call", "outcome": "sold", "number": "hello"}, 422, "number"),
    ({"interaction": "call", "outcome": "sold", "number": "+14155550199"}, 422, "number"),
    (
        {"interaction": "call", "outcome": "sold", "redial": {"kind": "common", "at": "2026-03-02T12:00:00Z"}},
        422,
        "redial",
    ),
    ({"interaction": "call", "outcome": "sale_in_progress", "redial": {"kind": "common"}}, 400, "redial.at"),
    ({"interaction": "call", "outcome": "sale_in_progress"}, 422, "agent"),
    (SMS_IN | {"sender": "x"}, 400, "sender"),
]


@pytest.mark.parametrize(("body", "status", "field"), BAD)
async def test_an_activity_that_is_not_right_is_refused(
    shop: Caller, body: dict[str, Any], status: int, field: str
) -> None:  # R13.3
    before = await shop.ok("GET", "/v1/leads/1")
    problem = await shop.no(status, "POST", PATH.format(1), body)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert await shop.ok("GET", "/v1/leads/1") == before


async def test_a_lead_that_is_not_there(shop: Caller) -> None:
    for lead in ("99", "x"):
        assert (await shop.no(404, "POST", PATH.format(lead), SMS_IN))["code"] == "not_found"


async def test_leads_are_found_by_who_was_the_last(shop: Caller) -> None:  # R13.4
    await log(shop, 1, SMS_OUT | {"agent": "ann"})
    await log(shop, 2, SMS_OUT | {"agent": "bob"})
    await log(shop, 3, SMS_OUT | {"agent": "ann"})
    await log(shop, 3, SMS_IN)
    for code in ("ann", "agent:ann"):
        found = await shop.ok("GET", "/v1/leads", params={"last_by": code})
        assert [lead["id"] for lead in found["items"]] == [1]
