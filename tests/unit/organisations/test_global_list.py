"""The global do-not-call list: one organisation keeps it, the copies of the others follow (SPEC R10.2, R10.3, R10.6)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from nextlead.core.commands import Anonymise, Block, PutCampaign, Unblock
from nextlead.core.engine import Engine
from nextlead.core.errors import NotFound, StorageFailed
from nextlead.runtime.clock import ManualClock
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead_adapters import global_list
from nextlead_adapters.global_list import GlobalList
from nextlead_adapters.intake.options import PoolOptions
from nextlead_adapters.intake.service import Intake

NOON = 1_772_452_800_000
ADA, BOB, CYD = 14155550100, 14155550101, 14155550102
KEY = b"the key of all of them"


class Office:
    """An organisation's dialer on a store that may fail; `again` is the next process on what is durable."""

    def __init__(self) -> None:
        self.memory = MemoryStore()
        self.store: FaultyStore
        self.dialer: Dialer

    async def open(self) -> "Office":
        self.store = FaultyStore(self.memory)
        self.dialer = await Dialer.open(self.store, ManualClock(NOON), engine=Engine(KEY), retry_s=0)
        return self

    async def again(self) -> None:
        await self.dialer.close()
        await self.open()

    async def leads(self, *numbers: int) -> None:
        await self.dialer.submit(PutCampaign(code="c1", name="c1"))
        intake = Intake(self.dialer)
        given = [{"phone": f"+{number}"} for number in numbers]
        await intake.enter(given, PoolOptions(campaign="c1"), "admin")
        await intake.close()

    @property
    def listed(self) -> dict[int, str]:
        return {number: entry.reason for number, entry in self.dialer.engine.blocked_globally.items()}

    def is_blocked(self, number: int) -> bool:
        state = self.dialer.engine.state
        return number in state.blocked_globally or state.digest(number) in state.forgotten

    @property
    def open_leads(self) -> int:
        return sum(count for (_, status), count in self.dialer.engine.counts().items() if status != "closed")


class Offices:
    """The keeper and two others, and their list."""

    def __init__(self) -> None:
        self.keeper, self.acme, self.birch = Office(), Office(), Office()
        self.list: GlobalList

    async def open(self) -> None:
        for each in (self.keeper, self.acme, self.birch):
            await each.open()
        await self.start()

    async def start(self) -> None:
        """As the daemon does once all are open."""
        self.list = GlobalList(self.keeper.dialer)
        await self.list.join(self.acme.dialer)
        await self.list.join(self.birch.dialer)

    async def again(self) -> None:
        for each in (self.keeper, self.acme, self.birch):
            await each.again()
        await self.start()

    async def block(self, *numbers: int, reason: str = "asked us") -> int:
        command = Block(by="admin", numbers=numbers, reason=reason, scope="global")
        async with self.list.change() as change:
            mine = (await self.keeper.dialer.submit(command)).count
            return int(mine) + await change.block(command)

    async def unblock(self, number: int) -> int:
        command = Unblock(by="admin", number=number, scope="global")
        async with self.list.change() as change:
            await self.keeper.dialer.submit(command)
            return await change.unblock(command)

    @property
    def lists(self) -> list[dict[int, str]]:
        return [each.listed for each in (self.keeper, self.acme, self.birch)]


@pytest.fixture
async def offices() -> AsyncIterator[Offices]:
    offices = Offices()
    await offices.open()
    yield offices
    for each in (offices.keeper, offices.acme, offices.birch):
        await each.dialer.close()


async def test_a_change_is_in_all_when_it_is_answered(offices: Offices) -> None:  # R10.2
    await offices.acme.leads(ADA, BOB)
    await offices.birch.leads(ADA)
    assert await offices.block(ADA) == 2  # one lead in each of the two
    assert offices.lists == [{ADA: "asked us"}] * 3
    assert (offices.acme.open_leads, offices.birch.open_leads) == (1, 0)  # R10.3
    assert await offices.unblock(ADA) == 2
    assert offices.lists == [{}] * 3
    assert offices.birch.open_leads == 0  # R10.5


async def test_an_organisations_own_list_is_no_others(offices: Offices) -> None:  # R10.2
    await offices.acme.dialer.submit(Block(by="admin", numbers=(ADA,)))
    assert offices.lists == [{}] * 3
    assert ADA not in offices.birch.dialer.engine.blocked


async def test_who_joins_gets_the_list_and_its_leads_close(offices: Offices) -> None:  # R10.3
    await offices.block(ADA, BOB)
    cedar = await Office().open()
    await cedar.leads(ADA, CYD)
    await cedar.dialer.submit(Block(by="x", numbers=(CYD,), reason="a left-over", scope="global"))
    await offices.list.join(cedar.dialer)
    assert cedar.listed == {ADA: "asked us", BOB: "asked us"}
    assert cedar.open_leads == 0
    assert await offices.block(CYD) == 0
    assert cedar.listed == offices.keeper.listed
    await cedar.dialer.close()


async def test_in_line_again_writes_nothing(offices: Offices) -> None:
    await offices.block(ADA, BOB)
    await offices.keeper.dialer.submit(Anonymise(numbers=(ADA,), leads=(), rows=()))
    await offices.acme.dialer.submit(Anonymise(numbers=(BOB,), leads=(), rows=()))
    await offices.again()
    assert [each.store.commits for each in (offices.acme, offices.birch)] == [[], []]


async def test_a_crash_between_two_organisations_heals_at_the_start(offices: Offices) -> None:
    await offices.block(ADA, BOB)
    keeper = offices.keeper.dialer
    await offices.birch.leads(CYD)
    await keeper.submit(Block(by="admin", numbers=(CYD,), reason="new", scope="global"))
    await keeper.submit(Unblock(by="admin", number=ADA, scope="global"))
    await keeper.submit(Unblock(by="admin", number=BOB, scope="global"))
    await keeper.submit(Block(by="admin", numbers=(BOB,), reason="another", scope="global"))
    assert offices.birch.listed == {ADA: "asked us", BOB: "asked us"}
    await offices.again()
    assert offices.lists == [{BOB: "another", CYD: "new"}] * 3
    assert offices.birch.open_leads == 0


async def test_a_store_that_fails_is_told_and_brought_in_line_later(offices: Offices) -> None:
    offices.acme.store.fail()
    with pytest.raises(StorageFailed):
        await offices.block(ADA)
    assert offices.keeper.listed == offices.birch.listed == {ADA: "asked us"}
    await offices.acme.again()  # its process ended with it; here a new list is what the next one makes
    await offices.again()
    assert offices.lists == [{ADA: "asked us"}] * 3


async def test_one_that_was_not_told_is_brought_in_line_by_itself(offices: Offices) -> None:
    class Gone(Exception):
        """Whoever asked has gone in the middle of it."""

    with pytest.raises(Gone):
        async with offices.list.change():
            await offices.keeper.dialer.submit(Block(by="admin", numbers=(ADA,), reason="asked us", scope="global"))
            raise Gone
    await offices.keeper.dialer.idle()
    assert offices.lists == [{ADA: "asked us"}] * 3


async def test_settled_is_in_line_or_refused(offices: Offices) -> None:
    offices.acme.store.fail()
    with pytest.raises(StorageFailed):
        await offices.block(ADA)
    with pytest.raises(StorageFailed):
        await offices.list.settle()
    offices.list.leave(offices.acme.dialer)
    await offices.list.settle()
    assert await offices.block(BOB) == 0
    assert offices.birch.listed == offices.keeper.listed


async def test_who_has_left_gets_no_more(offices: Offices) -> None:
    offices.list.leave(offices.acme.dialer)
    offices.list.leave(offices.acme.dialer)
    await offices.block(ADA)
    assert offices.lists == [{ADA: "asked us"}, {}, {ADA: "asked us"}]


async def test_what_a_copy_forgot_never_comes_back(offices: Offices) -> None:  # R10.6
    await offices.block(ADA)
    await offices.acme.dialer.submit(Anonymise(numbers=(ADA,), leads=(), rows=()))
    assert offices.lists == [{ADA: "asked us"}, {}, {ADA: "asked us"}]
    await offices.again()
    await offices.block(ADA, BOB)
    assert [ADA in each for each in offices.lists] == [True, False, True]
    assert offices.acme.is_blocked(ADA)
    assert await offices.unblock(ADA) == 1
    assert offices.acme.is_blocked(ADA)


async def test_what_the_keeper_forgot_stays_blocked_everywhere(offices: Offices) -> None:  # R10.6
    await offices.block(ADA)
    await offices.keeper.dialer.submit(Anonymise(numbers=(ADA,), leads=(), rows=()))
    await offices.again()
    assert offices.lists == [{}, {ADA: "asked us"}, {ADA: "asked us"}]
    assert offices.keeper.is_blocked(ADA)
    with pytest.raises(NotFound):
        await offices.unblock(ADA)
    async with offices.list.change() as change:
        assert await change.unblock(Unblock(by="admin", number=ADA, scope="global")) == 2


async def test_two_changes_at_once_end_alike_everywhere(offices: Offices) -> None:
    await asyncio.gather(*(offices.block(ADA, reason=f"reason {at}") for at in range(5)))
    assert offices.lists == [{ADA: "reason 0"}] * 3


async def test_who_joins_during_a_change_has_it_too(offices: Offices) -> None:
    cedar = await Office().open()
    command = Block(by="admin", numbers=(ADA,), reason="asked us", scope="global")
    async with offices.list.change() as change:
        joining = asyncio.create_task(offices.list.join(cedar.dialer))
        for _ in range(100):  # as many turns as it would take if it did not wait
            await asyncio.sleep(0)
        await offices.keeper.dialer.submit(command)
        await change.block(command)
    await joining
    assert cedar.listed == {ADA: "asked us"}
    await cedar.dialer.close()


async def test_a_long_list_goes_in_parts(offices: Offices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(global_list, "LOOKED_AT", 7)
    monkeypatch.setattr(global_list, "NUMBERS", 3)
    monkeypatch.setattr(global_list, "COMMANDS", 2)
    numbers = range(ADA, ADA + 50)
    for number in numbers:
        await offices.keeper.dialer.submit(Block(by="admin", numbers=(number,), reason=f"{number % 3}", scope="global"))
    await offices.again()
    assert offices.lists == [{number: f"{number % 3}" for number in numbers}] * 3
