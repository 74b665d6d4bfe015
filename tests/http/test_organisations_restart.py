"""Organisations over restarts, and those that could not be made."""

import asyncio

import pytest
from http_kit import Caller, token_of
from organisations_kit import Street

from nextlead.core.commands import Block
from nextlead.core.errors import StorageFailed
from nextlead.ports import StoreError, StoreRefused
from nextlead_adapters import tenancy

ADA = "+14155550100"
HOUR_MS = 3_600_000


def token(caller: Caller) -> str:
    return str(caller.http.headers["authorization"]).removeprefix("Bearer ")


async def test_all_is_there_again(street: Street) -> None:
    acme = await street.admin_of("acme")
    await street.admin_of("birch")
    await street.caller().ok("PATCH", "/v1/organisations/acme", {"name": "Acme & Co"})
    await acme.ok("PUT", "/v1/campaigns/c1", {"name": "Autumn"})
    supervisor = await token_of(acme, "supervisor")
    await street.again()
    listed = (await street.caller().ok("GET", "/v1/organisations"))["items"]
    assert [(each["code"], each["name"]) for each in listed] == [
        ("default", "Default"),
        ("acme", "Acme & Co"),
        ("birch", "Birch"),
    ]
    assert (await street.caller(supervisor).ok("GET", "/v1/campaigns/c1"))["name"] == "Autumn"
    await street.caller(token(acme)).ok("GET", "/v1/tokens")
    await street.caller().no(404, "GET", "/v1/campaigns/c1")
    cedar = await street.admin_of("cedar")
    await cedar.no(404, "GET", "/v1/campaigns/c1")


async def test_a_crash_between_two_organisations(street: Street) -> None:
    """The first had the global list's change, or the clock's, and the second had not."""
    acme = await street.admin_of("acme")
    await acme.ok("PUT", "/v1/campaigns/c1", {"name": "c1"})
    await acme.ok("POST", "/v1/leads", {"campaign": "c1", "leads": [{"phone": ADA}]})
    first = street.default.dialer
    await first.submit(Block(by="admin", numbers=(int(ADA),), scope="global"))
    await first.advance(first.now_ms() + HOUR_MS)
    await street.again()
    assert {tenant.dialer.now_ms() for tenant in street.tenancy.all()} == {street.default.dialer.now_ms()}
    (lead,) = (await street.caller(token(acme)).ok("GET", "/v1/leads"))["items"]
    assert lead["closure"] == "global_do_not_call"


@pytest.mark.parametrize("why", [StoreError("no room for it"), StoreRefused("another process is the owner")])
async def test_one_that_can_not_be_opened_is_not_served(street: Street, why: Exception) -> None:
    operator = street.caller()
    street.lots.refused.add(2)
    street.lots.why = why
    await operator.no(503, "POST", "/v1/organisations", {"code": "acme"})
    await operator.no(404, "GET", "/v1/organisations/acme")
    await operator.ok("POST", "/v1/do-not-call", {"number": ADA, "scope": "global"})
    street.lots.refused.clear()
    birch = await street.admin_of("birch")
    acme = await street.admin_of("acme")
    for admin in (acme, birch):
        assert (await admin.ok("GET", f"/v1/do-not-call/{ADA}"))["blocked"]
    numbers = [tenant.organisation.no for tenant in street.tenancy.all()]
    assert len(set(numbers)) == 3


async def test_one_that_is_opened_by_the_next_try_was_made_by_the_first(street: Street) -> None:
    operator = street.caller()
    street.lots.refused.add(2)
    await operator.no(503, "POST", "/v1/organisations", {"code": "acme"})
    street.lots.refused.clear()
    first = street.default.dialer
    made_ms = first.now_ms()
    await first.advance(made_ms + HOUR_MS)
    await street.admin_of("acme")
    for _ in range(2):
        assert [each.organisation.created_ms for each in street.tenancy.all()] == [0, made_ms]
        await street.again()


async def test_one_that_could_not_be_made_leaves_nothing_behind(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def follow(*_: object) -> None:
        raise StorageFailed

    monkeypatch.setattr(tenancy, "follow", follow)
    before = asyncio.all_tasks()
    await street.caller().no(503, "POST", "/v1/organisations", {"code": "acme"})
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_another_name_waits_for_the_database(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    async def put(*_: object) -> None:
        raise StoreRefused("another process is the owner")

    await street.admin_of("acme")
    monkeypatch.setattr(street.lots, "put", put)
    await street.caller().no(503, "PATCH", "/v1/organisations/acme", {"name": "Acme & Co"})
    assert (await street.caller().ok("GET", "/v1/organisations/acme"))["name"] == "Acme"


async def test_one_that_failed_at_the_last_moment_holds_nobody_up(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had joined the global list already, and is closed."""

    async def follow(*_: object) -> None:
        raise StorageFailed

    operator = street.caller()
    with monkeypatch.context() as patched:
        patched.setattr(tenancy, "follow", follow)
        await operator.no(503, "POST", "/v1/organisations", {"code": "acme"})
    await operator.ok("POST", "/v1/do-not-call", {"number": ADA, "scope": "global"})
    acme = await street.admin_of("acme")
    assert (await acme.ok("GET", f"/v1/do-not-call/{ADA}"))["blocked"]


async def test_none_is_made_when_the_end_is_near(street: Street) -> None:
    street.tenancy.drain()
    problem = await street.caller().no(503, "POST", "/v1/organisations", {"code": "acme"})
    assert problem["code"] == "not_ready"
    await street.again()
    assert len(street.tenancy.all()) == 1
