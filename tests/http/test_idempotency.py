"""Idempotency-Key: the first answer again, a conflict for another body, no secrets in what is kept."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from http_kit import Caller, House, token_of

from nextlead.core.commands import Finish
from nextlead.runtime import repeats
from nextlead_adapters.http import work
from nextlead_adapters.http.idempotency import without_secrets
from nextlead_adapters.http.work_shapes import Resolved

KEY = {"Idempotency-Key": "k1"}
BODY = {"campaign": "c1", "name": "Once", "leads": [{"phone": "+14155550180"}]}


async def test_the_same_call_again_gets_the_first_answer_and_does_nothing(house: House, centre: Caller) -> None:
    first = await centre.call("POST", "/v1/leads", BODY, headers=KEY)
    again = await centre.call("POST", "/v1/leads", BODY, headers=KEY)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, first.json())
    assert "nextlead-repeated" not in first.headers
    assert again.headers["nextlead-repeated"] == "true"
    assert len(house.dialer.engine.pools) == 2


async def test_without_a_key_it_is_done_again(house: House, centre: Caller) -> None:
    for _ in range(2):
        await centre.ok("POST", "/v1/leads", BODY)
    assert len(house.dialer.engine.pools) == 3


async def test_another_body_is_a_conflict(centre: Caller) -> None:
    await centre.ok("POST", "/v1/leads", BODY, headers=KEY)
    problem = await centre.no(409, "POST", "/v1/leads", BODY | {"name": "Other"}, headers=KEY)
    assert problem["code"] == "idempotency_conflict"


async def test_a_key_counts_for_one_token_and_one_address(house: House, centre: Caller) -> None:
    other = house.caller(await token_of(centre, "admin"))
    assert await centre.ok("POST", "/v1/agents/ann/release-all", headers=KEY) == {"count": 0}
    assert (await other.call("POST", "/v1/agents/ann/release-all", headers=KEY)).headers.get(
        "nextlead-repeated"
    ) is None
    for path in ("/v1/agents/bob/release-all", "/v1/agents/ann/release-all?dry_run=true"):
        assert (await centre.call("POST", path, headers=KEY)).headers.get("nextlead-repeated") is None


async def test_a_refusal_is_remembered_too(centre: Caller) -> None:
    body = {"reason": "hot_lead", "expires": "2026-03-02T10:00:00Z"}
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    first = await centre.no(409, "POST", "/v1/leads/1/urgent", body, headers=KEY)
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", {"outcome": "cancelled"})
    assert await centre.no(409, "POST", "/v1/leads/1/urgent", body, headers=KEY) == first
    await centre.ok("POST", "/v1/leads/1/urgent", body)


async def test_it_is_forgotten_after_a_day(house: House, centre: Caller) -> None:
    await centre.ok("POST", "/v1/leads", BODY, headers=KEY)
    await centre.ok("POST", "/v1/clock", {"advance": "PT23H59M59S"})
    assert len(house.dialer.engine.pools) == 2
    await centre.ok("POST", "/v1/leads", BODY, headers=KEY)
    assert len(house.dialer.engine.pools) == 2
    await centre.ok("POST", "/v1/clock", {"advance": "1s"})
    await centre.ok("POST", "/v1/leads", BODY, headers=KEY)
    assert len(house.dialer.engine.pools) == 3


async def test_two_at_the_same_time_are_one(house: House, centre: Caller) -> None:
    answers = await asyncio.gather(*(centre.call("POST", "/v1/leads", BODY, headers=KEY) for _ in range(5)))
    assert len({answer.text for answer in answers}) == 1
    assert sum("nextlead-repeated" in answer.headers for answer in answers) == 4
    assert len(house.dialer.engine.pools) == 2


async def test_next_does_not_take_a_key(centre: Caller) -> None:
    one = await centre.ok("POST", "/v1/agents/ann/next", headers=KEY)
    await centre.ok("POST", f"/v1/leases/{one['token']}/finish", {"outcome": "unreached", "cause": "busy"})
    two = await centre.ok("POST", "/v1/agents/ann/next", headers=KEY)
    assert one["lead"]["id"] != two["lead"]["id"]


def kept(answer: httpx.Response) -> str:
    """What is kept of an answer."""
    return without_secrets(answer.status_code, answer.content).decode()


async def test_a_secret_is_not_repeated(centre: Caller) -> None:
    answer = await centre.call("POST", "/v1/tokens", {"role": "admin"}, headers=KEY)
    made = answer.json()
    again = await centre.ok("POST", "/v1/tokens", {"role": "admin"}, headers=KEY)
    assert again == {key: value for key, value in made.items() if key != "token"}
    assert made["token"]
    assert made["token"] not in kept(answer)


async def test_a_lease_is_repeated_without_its_token(centre: Caller) -> None:
    first = await centre.ok("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY)
    again = await centre.ok("POST", "/v1/agents/ann/take", {"lead": 2}, headers=KEY)
    assert first.pop("token")
    first.pop("number")
    first["lead"]["lease"].pop("number")
    assert again == first


async def test_personal_data_is_not_kept_but_read_again(centre: Caller) -> None:
    body = {"outcome": "resolved", "result": "success", "data": {"name": "Zoraida"}}
    lease = await centre.ok("POST", "/v1/agents/ann/next")
    path = f"/v1/leases/{lease['token']}/finish"
    first = await centre.call("POST", path, body | {"next": True}, headers=KEY)
    again = await centre.call("POST", path, body | {"next": True}, headers=KEY)
    assert again.headers["nextlead-repeated"] == "true"
    assert again.json()["lead"] == first.json()["lead"]
    assert first.json()["lead"]["data"] == {"name": "Zoraida"}
    assert again.json()["next"]["lead"] == without_numbers(first.json()["next"]["lead"])
    for secret in ("Zoraida", "Lead 1", "4155550100", "4155550101", first.json()["next"]["token"]):
        assert secret in first.text
        assert secret not in kept(first)


def without_numbers(lead: dict[str, Any]) -> dict[str, Any]:
    """A lead as it is repeated: the number that is on the line is left out."""
    return lead | {"lease": {key: value for key, value in lead["lease"].items() if key != "number"}}


async def test_an_upload_is_repeated(house: House, centre: Caller) -> None:
    def parts(file: bytes) -> Any:
        return {"file": ("a.csv", file), "options": (None, json.dumps({"campaign": "c1"}))}

    first = await centre.call("POST", "/v1/pools", files=parts(b"phone\n+14155550181\n"), headers=KEY)
    again = await centre.call("POST", "/v1/pools", files=parts(b"phone\n+14155550181\n"), headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert len(house.dialer.engine.pools) == 2
    other = await centre.call("POST", "/v1/pools", files=parts(b"phone\n+14155550182\n"), headers=KEY)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_that_is_none(centre: Caller, key: str) -> None:
    problem = await centre.no(400, "POST", "/v1/leads", BODY, headers={"Idempotency-Key": key})
    assert problem["errors"][0]["field"] == "Idempotency-Key"


async def test_what_is_kept_of_keys_and_finishes_can_not_be_guessed(house: House, centre: Caller) -> None:  # R10.6
    """A number that is taken for a key, or said in a finish, is not found by trying all numbers."""
    for secret in (b"one", b"two"):
        house.dialer.engine.state.secret = secret
        await centre.ok("POST", "/v1/leads", BODY, headers={"Idempotency-Key": "+14155550180"})
    assert len(house.dialer.engine.pools) == 3  # not known again
    finish = Finish(token="", outcome="resolved", result="success", number=14155550100)
    assert repeats.digest_of(finish, b"one") != repeats.digest_of(finish, b"two")
    body = Resolved(result="success", number="+14155550100")
    assert work.digest_of(body, b"one") != work.digest_of(body, b"two")
