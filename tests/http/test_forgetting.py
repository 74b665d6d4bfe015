"""Calls that forget a person, and what is shown of one who was forgotten (SPEC R10.6)."""

import json
from typing import Any

import pytest
from http_kit import NUMBERS, Caller, House, token_of
from msgspec import Struct

from nextlead.core.commands import Anonymise
from nextlead.core.errors import NotFound
from nextlead_adapters.http.app import create_app
from nextlead_adapters.http.tenants import OneOrganisation


class Report(Struct):
    """What a service answers."""

    leads: int = 3
    closed: int = 2
    marked: int = 1
    numbers: int = 2
    entries: int = 1
    originals: int = 1
    rows: int = 4
    later: bool = False


class Service:
    """Notes what it is asked, and knows one lead."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    async def anonymise(
        self, *, lead: int | None = None, number: int | None = None, by: str, dry_run: bool = False
    ) -> Report:
        self.asked.append({"lead": lead, "number": number, "by": by, "dry_run": dry_run})
        if lead not in (None, 1):
            raise NotFound("lead", lead)
        return Report()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def admin_of(house: House, centre: Caller, service: Service) -> Caller:
    app = create_app(OneOrganisation(house.dialer, house.intake, service))
    token = await token_of(centre, "admin")
    return Caller(app, token, {})


ANSWER = {"leads": 3, "closed": 2, "marked": 1, "numbers": 2, "entries": 1, "originals": 1, "rows": 4, "later": False}


async def test_a_person_is_forgotten_by_lead_or_by_number(admin_of: Caller, service: Service) -> None:
    assert await admin_of.ok("POST", "/v1/leads/1/anonymize") == ANSWER
    assert await admin_of.ok("POST", "/v1/anonymize", {"phone": "(415) 555-0100"}) == ANSWER
    assert await admin_of.ok("POST", "/v1/leads/1/anonymize?dry_run=true") == ANSWER
    assert await admin_of.ok("POST", "/v1/anonymize?dry_run=true", {"phone": "+14155550100"}) == ANSWER
    number = 14155550100
    assert service.asked == [
        {"lead": 1, "number": None, "by": "admin", "dry_run": False},
        {"lead": None, "number": number, "by": "admin", "dry_run": False},
        {"lead": 1, "number": None, "by": "admin", "dry_run": True},
        {"lead": None, "number": number, "by": "admin", "dry_run": True},
    ]


async def test_what_is_not_right_is_refused(admin_of: Caller, service: Service) -> None:
    await admin_of.no(404, "POST", "/v1/leads/9/anonymize")
    await admin_of.no(404, "POST", "/v1/leads/x/anonymize")
    assert (await admin_of.no(422, "POST", "/v1/anonymize", {"phone": "12"}))["errors"][0]["field"] == "phone"
    assert (await admin_of.no(400, "POST", "/v1/anonymize", {}))["errors"][0]["field"] == "phone"
    assert (await admin_of.no(400, "POST", "/v1/anonymize", {"number": "1"}))["errors"][0]["field"] == "number"
    assert [asked["lead"] for asked in service.asked] == [9]


async def test_it_is_done_once_for_an_idempotency_key(admin_of: Caller, service: Service) -> None:
    for _ in range(2):
        answer = await admin_of.call("POST", "/v1/anonymize", {"phone": NUMBERS[0]}, headers={"Idempotency-Key": "k"})
        assert answer.json() == ANSWER
    assert len(service.asked) == 1


async def test_a_refusal_that_quotes_a_number_is_not_kept_with_it(house: House, admin_of: Caller) -> None:
    await admin_of.no(422, "POST", "/v1/anonymize", {"phone": "Zoraida"}, headers={"Idempotency-Key": "k"})
    store: Any = house.store
    kept = b"".join(row.body for row in store.inner._answers.values())
    assert kept
    assert b"Zoraida" not in kept


async def test_a_lead_that_was_erased_is_shown_without_data(house: House, centre: Caller) -> None:
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    finish = {"outcome": "unreached", "cause": "busy", "note": "ask for Zoraida"}
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", finish)
    await house.dialer.submit(Anonymise(leads=(1,), numbers=(int(NUMBERS[0][1:]),)))
    lead = await centre.ok("GET", "/v1/leads/1")  # the store has not erased it yet
    assert (lead["closure"], lead["erased"], lead["phones"], lead["data"]) == ("anonymized", True, [], {})
    assert [each for each in (await centre.ok("GET", "/v1/leads"))["items"] if each["id"] == 1] == [lead]
    history = (await centre.call("GET", "/v1/leads/1/history")).text
    assert "Zoraida" not in history
    assert NUMBERS[0] not in history
    assert (await centre.no(409, "POST", "/v1/leads/1/reopen"))["code"] == "wrong_status"


async def test_a_kept_answer_fills_no_data_of_an_erased_lead(house: House, centre: Caller) -> None:
    headers = {"Idempotency-Key": "k"}
    assert (await centre.ok("POST", "/v1/leads/1/remove", headers=headers))["data"] == {"name": "Lead 0"}
    row = await house.dialer.archive.lead(1)
    assert row is not None
    await house.dialer.submit(Anonymise(leads=(1,), numbers=(int(NUMBERS[0][1:]),), rows=(row.lead,)))
    again = await centre.ok("POST", "/v1/leads/1/remove", headers=headers)
    assert (again["phones"], again["data"]) == ([], {})


# -- the real service -----------------------------------------------------------------------------------------------


async def test_a_person_is_gone_from_all_that_can_be_asked(house: House, centre: Caller) -> None:
    """The answers that could name a person, after the call has answered."""
    rows = b"name,phone\nZoraida,+14155550160\nZoraida,12\nZoraida,+14155550160\n"
    files = {"file": ("l.csv", rows), "options": (None, json.dumps({"campaign": "c1"}))}
    pool = (await centre.ok("POST", "/v1/pools", files=files))["id"]
    (lead,) = [each["id"] for each in (await centre.ok("GET", f"/v1/leads?pool={pool}"))["items"]]
    await centre.ok("POST", "/v1/do-not-call", {"number": "+14155550160", "reason": "Zoraida"})
    would = await centre.ok("POST", f"/v1/leads/{lead}/anonymize?dry_run=true")
    did = await centre.ok("POST", f"/v1/leads/{lead}/anonymize")
    assert (did["leads"], did["closed"], did["numbers"], did["entries"]) == (1, 1, 1, 1)
    assert did["originals"] == 1
    assert did["rows"] >= 2
    assert would == did | {"originals": 0, "rows": 0}
    view = await centre.ok("GET", f"/v1/pools/{pool}")
    assert view["original"]["erased_rows"] == did["rows"]
    answer = await centre.call("GET", f"/v1/pools/{pool}/original")
    assert answer.headers["nextlead-erased-rows"] == str(did["rows"])
    assert b"4155550160" not in answer.content
    places = ("duplicates.csv", "log", "statistics.csv")
    paths = [f"/v1/pools/{pool}/{place}" for place in places]
    paths += ["/v1/do-not-call", f"/v1/leads/{lead}", f"/v1/leads/{lead}/history", f"/v1/leads?pool={pool}"]
    for path in paths:
        text = (await centre.call("GET", path)).text
        assert "Zoraida" not in text, path
        assert "4155550160" not in text, path
    found = await centre.ok("GET", "/v1/do-not-call/+14155550160")
    assert (found["closure"], found["forgotten"], found["entries"]) == ("anonymized", True, [])
    again = await centre.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": "+14155550160"}]})
    assert again["counts"]["invalid"] == 1


async def test_a_person_on_the_screen_goes_when_the_lease_ends(centre: Caller) -> None:  # R1.5
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    report = await centre.ok("POST", "/v1/anonymize", {"phone": NUMBERS[0]})
    assert (report["leads"], report["closed"], report["marked"]) == (1, 0, 1)
    finish = {"outcome": "redial", "kind": "private", "at": "2026-03-02T12:00:00Z", "note": "Zoraida"}
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", finish)
    assert (done["lead"]["closure"], done["lead"]["erased"], done["lead"]["phones"]) == ("anonymized", True, [])
    await centre.ok("POST", "/v1/clock", {"advance": "1s"})
    assert "Zoraida" not in (await centre.call("GET", "/v1/leads/1/history")).text
