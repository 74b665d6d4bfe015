"""Calls that forget a person, and what is shown of one who was forgotten (SPEC R10.6)."""

from typing import Any

import pytest
from http_kit import NUMBERS, Caller, House, token_of
from msgspec import Struct

from nextlead.core.commands import Anonymise
from nextlead.core.errors import NotFound
from nextlead_adapters.http.app import create_app


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
    app = create_app(house.dialer, house.intake, service)
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


async def test_without_the_service_it_is_not_ready(house: House, centre: Caller) -> None:
    operator = Caller(create_app(house.dialer, house.intake), await token_of(centre, "admin"), {})
    assert (await operator.no(503, "POST", "/v1/leads/1/anonymize"))["code"] == "not_ready"
