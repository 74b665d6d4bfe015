"""A real file over HTTP, from the upload to the agent's screen; skipped where the file is not. And files that are none."""

import os
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from http_kit import OPERATOR, Caller, House

from nextlead_adapters.http.app import create_app

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("NEXTLEAD_TEST_DATA") or ROOT.parent / "shared" / "data") / "sf-businesses.csv"
FIELDS = ("business_id", "name", "address", "city", "state", "postal_code", "latitude", "longitude")
MAPPING = {"phone_number": "phone"}

real = pytest.mark.skipif(
    not FILE.exists(), reason=f"{FILE} is not there; NEXTLEAD_TEST_DATA names the folder that has sf-businesses.csv"
)


@pytest.fixture
async def admin(house: House) -> AsyncIterator[Caller]:
    """A call centre with the agent ann and the campaign sf, behind an application with the daemon's own limits."""
    token = sha256(OPERATOR.encode()).hexdigest()
    admin = House(
        house.tenants,
        create_app(house.tenants, operator_token_sha256=token),
    ).caller()
    fields = [{"name": field} for field in FIELDS]
    await admin.ok("PUT", "/v1/campaigns/sf", {"name": "San Francisco", "template": {"fields": fields}})
    await admin.ok("PUT", "/v1/teams/t", {"name": "Team"})
    await admin.ok("PUT", "/v1/agents/ann", {"name": "Ann", "team": "t", "campaigns": ["sf"]})
    await admin.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["sf"]})
    yield admin
    await admin.http.aclose()


def parts(content: bytes, name: str = "leads.csv", **options: object) -> dict[str, Any]:
    body = msgspec.json.encode({"campaign": "sf"} | options)
    return {"files": {"file": (name, content, "text/csv")}, "data": {"options": body}}


@real
async def test_a_real_file_goes_in_with_exactly_its_counts(admin: Caller) -> None:
    # R9.4, R9.6
    answer = await admin.call("POST", "/v1/pools", **parts(FILE.read_bytes(), FILE.name, mapping=MAPPING))
    assert answer.status_code == 201
    pool = answer.json()
    assert (pool["state"], pool["file_name"]) == ("active", FILE.name)
    counts = pool["counts"]
    assert (counts["valid"], counts["invalid"], counts["duplicates"]) == (4_904, 637, 818)
    assert (counts["ready"], counts["open"], counts["leased"], counts["closed"]) == (4_904, 4_904, 0, {})
    lease = await admin.ok("POST", "/v1/agents/ann/next")
    assert lease["number"] == "+14157763262"
    assert lease["lead"]["data"]["name"] == "NRGIZE LIFESTYLE CAFE"


@real
async def test_its_latin_1_names_read_right(admin: Caller) -> None:
    await admin.ok("POST", "/v1/pools", **parts(FILE.read_bytes(), FILE.name, mapping=MAPPING))
    names = set()
    after: str | None = ""
    while after is not None:
        page = await admin.ok("GET", f"/v1/leads?limit=1000&after={after}" if after else "/v1/leads?limit=1000")
        names |= {lead["data"]["name"] for lead in page["items"]}
        after = page["next"]
    assert {"TROPISUEÑO", "LA NOISETTE CAFÉ AND DELI", "CRÈME BRULEE TO GO"} <= names


@real
async def test_its_columns_wait_for_confirmation_when_the_campaign_has_no_fields(admin: Caller) -> None:
    # R9.3
    await admin.ok("PUT", "/v1/campaigns/bare", {"name": "Bare"})
    await admin.ok("PUT", "/v1/agents/ann", {"campaigns": ["bare"]})
    await admin.ok("PUT", "/v1/agents/ann/session", {"campaigns": ["bare"]})
    pool = await admin.ok("POST", "/v1/pools", **parts(FILE.read_bytes(), FILE.name, campaign="bare", mapping=MAPPING))
    assert (pool["state"], tuple(pool["unmatched"]), pool["counts"]["ready"]) == ("awaiting_confirmation", FIELDS, 0)
    assert (await admin.call("POST", "/v1/agents/ann/next")).status_code == 204
    pool = await admin.ok("POST", f"/v1/pools/{pool['id']}/confirm")
    assert (pool["state"], pool["counts"]["ready"]) == ("active", 4_904)
    assert (await admin.ok("POST", "/v1/agents/ann/next"))["lead"]["data"] == {}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04\x14\0", b"name,city\na,b\n", bytes(range(256)) * 10])
async def test_a_file_that_is_no_list_is_a_clear_problem_and_changes_nothing(admin: Caller, content: bytes) -> None:
    # R9.5
    problem = await admin.no(422, "POST", "/v1/pools", **parts(content))
    assert problem["code"] == "unreadable_file"
    assert [error["field"] for error in problem["errors"]] == ["file"]
    assert (await admin.ok("GET", "/v1/pools"))["items"] == []


async def test_a_mapping_that_does_not_fit_is_named(admin: Caller) -> None:
    for mapping, field in (({"phone": "fax"}, "mapping.phone"), ({"tel": "phone"}, "mapping.tel")):
        problem = await admin.no(422, "POST", "/v1/pools", **parts(b"phone,name\n4155550100,a\n", mapping=mapping))
        assert [error["field"] for error in problem["errors"]] == [field]
    assert (await admin.ok("GET", "/v1/pools"))["items"] == []


async def test_a_large_file_answers_at_once_and_loads_behind(house: House, admin: Caller) -> None:
    house.intake._small_bytes = 100
    content = b"phone,name\n" + b"".join(b"+1212%d,n\n" % (2_000_000 + no) for no in range(3_000))
    answer = await admin.call("POST", "/v1/pools", **parts(content))
    assert answer.status_code == 202
    pool = answer.json()
    assert pool["state"] == "loading"
    assert pool["progress"]["total_bytes"] == len(content)
    await house.intake.idle()
    pool = await admin.ok("GET", f"/v1/pools/{pool['id']}")
    assert (pool["state"], pool["counts"]["valid"]) == ("active", 3_000)
    assert "progress" not in pool
