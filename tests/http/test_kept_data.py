"""What is kept of a lead's data fields from its lease to the end of it: never more than is true, nor what was erased."""

from collections.abc import Sequence

import pytest
from http_kit import Caller, House

from nextlead.core.commands import Anonymise
from nextlead_adapters.http import services

NEXT = "/v1/agents/ann/next"
NO_ANSWER = {"outcome": "unreached", "cause": "no_answer"}


@pytest.fixture
def reads(house: House, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The leads of each read."""
    found: list[list[int]] = []
    archive = house.dialer.archive
    data = archive.data

    async def counted(leads: Sequence[int]) -> dict[int, bytes]:
        found.append(list(leads))
        return dict(await data(leads))

    monkeypatch.setattr(archive, "data", counted)
    return found


async def test_a_finish_shows_what_its_next_has_read(centre: Caller, reads: list[list[int]]) -> None:
    lease = await centre.ok("POST", NEXT)
    first, data = lease["lead"]["id"], lease["lead"]["data"]
    answer = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", NO_ANSWER | {"next": True})
    second = answer["next"]["lead"]
    assert (answer["lead"]["data"], reads) == (data, [[first], [second["id"]]])
    assert second["data"] != data
    done = await centre.ok("POST", f"/v1/leases/{answer['next']['token']}/finish", NO_ANSWER)
    assert (done["lead"]["data"], len(reads)) == (second["data"], 2)


async def test_what_was_edited_since_is_shown(centre: Caller) -> None:
    lease = await centre.ok("POST", NEXT)
    await centre.ok("PATCH", f"/v1/leads/{lease['lead']['id']}", {"data": {"name": "Berta"}})
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", NO_ANSWER)
    assert done["lead"]["data"] == {"name": "Berta"}


async def test_what_is_edited_while_it_is_read_is_not_kept(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = house.dialer.archive
    data = archive.data

    async def overtaken(leads: Sequence[int]) -> dict[int, bytes]:
        found = dict(await data(leads))
        monkeypatch.setattr(archive, "data", data)
        await centre.ok("PATCH", f"/v1/leads/{leads[0]}", {"data": {"name": "Berta"}})
        return found

    monkeypatch.setattr(archive, "data", overtaken)
    lease = await centre.ok("POST", NEXT)
    assert lease["lead"]["data"] == {"name": "Lead 0"}  # as it was when the lease was durable
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", NO_ANSWER)
    assert done["lead"]["data"] == {"name": "Berta"}


async def test_nothing_is_kept_when_somebody_is_erased(house: House, centre: Caller, reads: list[list[int]]) -> None:
    lease = await centre.ok("POST", NEXT)
    leads = await centre.ok("GET", "/v1/leads")
    other = next(lead["id"] for lead in leads["items"] if lead["id"] != lease["lead"]["id"])
    await house.dialer.submit(Anonymise(leads=(other,), by="admin"))
    reads.clear()
    await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", NO_ANSWER)
    assert reads == [[lease["lead"]["id"]]]


async def test_of_the_oldest_leases_it_is_read_once_more(
    centre: Caller, reads: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "KEPT_MOST", 0)
    lease = await centre.ok("POST", NEXT)
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", NO_ANSWER)
    assert (done["lead"]["data"], len(reads)) == (lease["lead"]["data"], 2)
