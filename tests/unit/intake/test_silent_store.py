"""Leads that are loaded while the database is silent for a moment: they are in once, and their pool is whole (R9.5)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from nextlead.core.commands import ClosePool, Command, LoadRows, OpenPool, PutCampaign
from nextlead.core.errors import NotReady
from nextlead.core.model import Pool
from nextlead.core.setup_model import Template, TemplateField
from nextlead.ports import StoreError
from nextlead.runtime.dialer import Dialer
from nextlead.testing import FaultyStore, MemoryStore
from nextlead.testing.clock import FakeClock
from nextlead_adapters.intake import loading
from nextlead_adapters.intake.service import Intake

from .conftest import OPTIONS, Write

PHONES = ("+14155550100", "+14155550101", "+14155550102")


@pytest.fixture
def store() -> FaultyStore:
    return FaultyStore(MemoryStore())


@pytest.fixture
async def dialer(store: FaultyStore, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Dialer]:
    monkeypatch.setattr(loading, "_PATIENCE_S", 0.01)
    async with await Dialer.open(store, clock) as dialer:
        await dialer.submit(PutCampaign(code="c1", template=Template(fields=(TemplateField("name"),))))
        yield dialer


def when_decided(dialer: Dialer, kind: type[Command], act: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, straight after the first command of a kind was decided."""
    decide, left = dialer._desk.decide, [True]

    def watched(command: Command, then: Any = None) -> Any:
        decided = decide(command, then)
        if type(command) is kind and left:
            left.clear()
            act()
        return decided

    monkeypatch.setattr(dialer._desk, "decide", watched)


@pytest.mark.parametrize("kind", [OpenPool, LoadRows, ClosePool])
@pytest.mark.parametrize("way", ["file", "entries"])
async def test_what_was_under_way_is_not_done_twice(
    dialer: Dialer,
    store: FaultyStore,
    intake: Intake,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Command],
    way: str,
) -> None:
    turns: list[asyncio.Task[None]] = []

    async def silence() -> None:
        await many_turns()
        dialer.let_go()
        await many_turns()
        store.release()

    def begin() -> None:
        store.stall()
        turns.append(asyncio.create_task(silence()))

    when_decided(dialer, kind, begin, monkeypatch)
    if way == "file":
        pool = await intake.upload(write("phone\n" + "\n".join(PHONES)), "leads.csv", OPTIONS, "bob")
    else:
        pool = await intake.add_leads([{"phone": phone} for phone in PHONES], OPTIONS, "bob")
    assert turns
    assert (pool.state, pool.valid, pool.duplicate) == ("active", 3, 0)
    assert [each.id for each in dialer.engine.pools.values()] == [pool.id]


async def test_entries_that_were_cut_off_do_not_stay_half_way(
    dialer: Dialer, store: FaultyStore, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their sender is told, and sends them again."""

    def begin() -> None:
        store.holds = False
        asyncio.get_running_loop().call_later(0.01, setattr, store, "holds", True)

    when_decided(dialer, LoadRows, begin, monkeypatch)
    with pytest.raises(NotReady):
        await intake.add_leads([{"phone": phone} for phone in PHONES], OPTIONS, "bob")
    await dialer.idle()
    assert [pool.state for pool in dialer.engine.pools.values() if isinstance(pool, Pool)] in ([], ["failed"])
    again = await intake.add_leads([{"phone": phone} for phone in PHONES], OPTIONS, "bob")
    assert (again.valid, again.duplicate) == (3, 0)


async def test_a_file_waits_for_an_archive_that_can_not_be_read_now(
    dialer: Dialer, intake: Intake, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a connection was lost; who sends entries is told, and sends them again."""
    look_up, left = loading.with_originals, [True, True]

    async def at_times(*asked: Any) -> Any:
        if left:
            left.pop()
            raise StoreError("the connection was lost")
        return await look_up(*asked)

    monkeypatch.setattr(loading, "with_originals", at_times)
    pool = await intake.upload(write("phone\n" + "\n".join(PHONES)), "leads.csv", OPTIONS, "bob")
    assert not left
    assert (pool.state, pool.valid) == ("active", 3)
    left.append(True)
    with pytest.raises(StoreError):
        await intake.add_leads([{"phone": PHONES[0]}], OPTIONS, "bob")
    await dialer.idle()
    assert "loading" not in {each.state for each in dialer.engine.pools.values()}


async def many_turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
