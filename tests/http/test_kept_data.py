"""What is kept of a lead's data fields from its lease to the end of it: never more than is true, nor what was erased."""

import asyncio
from collections.abc import Sequence

import pytest
from http_kit import Caller, House

from nextlead.core.commands import Anonymise
from nextlead.ports import Commit, StoreError
from nextlead_adapters.http import lead_data

NEXT = "/v1/agents/ann/next"
NO_ANSWER = {"outcome": "unreached", "cause": "no_answer"}


class Told:
    """Notes that a commit is durable."""

    def __init__(self, durable: asyncio.Event) -> None:
        self._durable = durable

    def writing(self, leads: Sequence[int]) -> None:
        pass

    def committed(self, commit: Commit) -> None:
        self._durable.set()


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


async def test_it_is_read_while_the_lease_is_written(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, order = house.store, list[str]()
    commit, data = store.commit, house.dialer.archive.data
    has_read = asyncio.Event()

    async def slow(written: Commit) -> None:
        await has_read.wait()
        await commit(written)
        order.append("commit")

    async def read(leads: Sequence[int]) -> dict[int, bytes]:
        order.append("read")
        has_read.set()
        return dict(await data(leads))

    monkeypatch.setattr(store, "commit", slow)
    monkeypatch.setattr(house.dialer.archive, "data", read)
    lease = await centre.ok("POST", NEXT)
    assert (lease["lead"]["data"], order) == ({"name": "Lead 0"}, ["read", "commit"])


async def test_a_lease_that_is_durable_before_it_is_read_waits_for_that_read(
    house: House, centre: Caller, reads: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, durable = house.dialer.archive.data, asyncio.Event()
    house.dialer.listen(Told(durable))

    async def late(leads: Sequence[int]) -> dict[int, bytes]:
        await durable.wait()
        for _ in range(20):  # turns of the loop, in which the answer is asked for
            await asyncio.sleep(0)
        return dict(await data(leads))

    monkeypatch.setattr(house.dialer.archive, "data", late)
    lease = await centre.ok("POST", NEXT)
    assert (lease["lead"]["data"], reads) == ({"name": "Lead 0"}, [[lease["lead"]["id"]]])


async def test_a_lead_that_comes_with_its_lease_is_read_once_more(centre: Caller) -> None:
    for _ in range(4):
        lease = await centre.ok("POST", NEXT)
        ending = {"outcome": "resolved", "result": "success"}
        await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", ending)
    waiting = asyncio.create_task(centre.ok("POST", NEXT, {"wait": 30}))
    await asyncio.sleep(0)
    new = {"phone": "+12125550177", "data": {"name": "New"}}
    await centre.ok("POST", "/v1/leads", {"campaign": "c1", "name": "Week 11", "leads": [new]})
    assert (await waiting)["lead"]["data"] == {"name": "New"}


async def test_a_read_that_fails_beside_a_commit_is_tried_once_more(
    house: House, centre: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = house.dialer.archive
    data = archive.data

    async def broken(_leads: Sequence[int]) -> dict[int, bytes]:
        monkeypatch.setattr(archive, "data", data)
        raise StoreError("disk I/O error")

    monkeypatch.setattr(archive, "data", broken)
    lease = await centre.ok("POST", NEXT)
    assert lease["lead"]["data"] == {"name": "Lead 0"}


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
    assert lease["lead"]["data"] == {"name": "Berta"}  # it was read beside the commit, and then once more
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
    monkeypatch.setattr(lead_data, "KEPT_MOST", 0)
    lease = await centre.ok("POST", NEXT)
    done = await centre.ok("POST", f"/v1/leases/{lease['token']}/finish", NO_ANSWER)
    assert (done["lead"]["data"], len(reads)) == (lease["lead"]["data"], 3)
