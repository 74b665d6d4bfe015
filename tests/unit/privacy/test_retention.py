"""Closed leads are erased when their time is over, and nobody polls for it (SPEC R10.7)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from unit.privacy.house import ANNA, BERT, CARL, House

from nextlead.core.commands import PutCampaign, Reopen
from nextlead.core.model import Lead
from nextlead.core.row import DAY_MS, HOUR_MS
from nextlead.core.setup_model import Dialer
from nextlead.runtime.clock import ManualClock
from nextlead.testing.clock import MONDAY_MS


@pytest.fixture
async def shop() -> AsyncIterator[House]:
    """Sales are kept for two days, by a clock that is moved by hand."""
    house = House(ManualClock(MONDAY_MS))
    await house.open()
    await house.set_up(retention_ms={"success": 2 * DAY_MS})
    yield house
    await house.close()


async def to(house: House, ms: int) -> None:
    await house.dialer.advance(MONDAY_MS + ms)


async def test_at_its_time_and_not_before(shop: House) -> None:  # R10.7
    first, second = await shop.load((ANNA,), (BERT,))
    await shop.sell(first)
    await to(shop, HOUR_MS)
    await shop.sell(second)
    await to(shop, 2 * DAY_MS - 1)
    assert (await shop.row(first)).numbers == (ANNA,)
    await to(shop, 2 * DAY_MS)
    row = await shop.row(first)
    assert (row.numbers, row.closure, row.erased, row.former) == ((), "success", True, None)
    assert (await shop.row(second)).numbers == (BERT,)
    await to(shop, 2 * DAY_MS + HOUR_MS)
    assert (await shop.row(second)).erased
    assert not shop.dialer.engine.erasures
    assert shop.dialer.engine.refusal_of(ANNA) is None  # it may come again


async def test_the_alarm_rings_for_it() -> None:  # R10.7
    house = House()
    await house.open()
    await house.set_up(retention_ms={"success": 2 * DAY_MS})
    await house.load((ANNA,))
    sold = await house.sell()
    for ms, erased in ((2 * DAY_MS - 1, False), (1, True)):
        house.clock.advance(ms)
        await house.dialer.idle()
        assert (await house.row(sold.id)).erased is erased
    await house.close()


async def test_other_closures_keep_theirs(shop: House) -> None:  # R10.7
    await shop.load((ANNA,))
    offer = await shop.lease()
    await shop.finish(offer, "not_interested")
    await to(shop, 30 * DAY_MS)
    assert (await shop.row(offer.lead.id)).numbers == (ANNA,)


async def test_a_new_setting_counts_at_once(shop: House) -> None:  # R10.7
    await shop.load((ANNA,), (BERT,))
    sold = await shop.sell()
    offer = await shop.lease()
    await shop.finish(offer, "not_interested")
    await to(shop, DAY_MS)
    await shop(PutCampaign(code="c1", dialer=Dialer(retention_ms={"success": 3 * DAY_MS, "not_interested": DAY_MS})))
    await shop.dialer.idle()
    assert (await shop.row(offer.lead.id)).erased
    await to(shop, 3 * DAY_MS - 1)
    assert not (await shop.row(sold.id)).erased
    await to(shop, 3 * DAY_MS)
    assert (await shop.row(sold.id)).erased


async def test_without_the_setting_nothing_goes(shop: House) -> None:  # R10.7
    await shop.load((ANNA,))
    sold = await shop.sell()
    await shop(PutCampaign(code="c1", dialer=Dialer()))
    await to(shop, 30 * DAY_MS)
    assert not (await shop.row(sold.id)).erased


async def test_a_reopened_lead_starts_anew(shop: House) -> None:  # R10.7
    await shop.load((ANNA,))
    sold = await shop.sell()
    await to(shop, DAY_MS)
    await shop(Reopen(lead=sold.id, row=sold))
    await to(shop, 2 * DAY_MS)
    await shop.sell(sold.id)
    await to(shop, 4 * DAY_MS - 1)
    assert not (await shop.row(sold.id)).erased
    await to(shop, 4 * DAY_MS)
    assert (await shop.row(sold.id)).erased


async def test_a_restart_goes_on(shop: House) -> None:  # R10.7
    await shop.load((ANNA,), (BERT,))
    first = await shop.sell()
    await to(shop, DAY_MS)
    second = await shop.sell()
    await shop.close()
    shop.clock = ManualClock(MONDAY_MS + 2 * DAY_MS)  # its time came while the daemon was down
    await shop.open()
    await shop.dialer.idle()
    assert [(await shop.row(lead.id)).erased for lead in (first, second)] == [True, False]
    await to(shop, 3 * DAY_MS)
    assert (await shop.row(second.id)).erased


async def test_a_file_is_rewritten_once_for_many(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:  # R10.7
    monkeypatch.setattr("nextlead_adapters.privacy.closing.SLICE", 2)
    monkeypatch.setattr("nextlead_adapters.privacy.retention.SLICE", 2)
    leads = await shop.load(*[(ANNA + at,) for at in range(7)])
    for _ in leads:
        await shop.sell()
    await to(shop, 2 * DAY_MS)
    assert all([(await shop.row(lead)).erased for lead in leads])
    assert shop.files.rewritten == [1]
    assert shop.files.rows[1] == []


async def test_nobody_polls(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:  # R10.7
    asked: list[Any] = []
    real = shop.store.closed_before

    async def counted(*question: Any) -> list[Lead]:
        asked.append(question)
        return await real(*question)

    monkeypatch.setattr(shop.store, "closed_before", counted)
    await shop.load((ANNA,), (BERT,), (CARL,))
    for _ in range(3):
        await shop.sell()
    assert asked == []
    await to(shop, 2 * DAY_MS - 1)
    assert asked == []
    await to(shop, 2 * DAY_MS)
    assert len(asked) == 2  # those that are due, then the next one's time


async def test_a_store_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    await house.open()
    await house.set_up(retention_ms={"success": DAY_MS})
    await house.load((ANNA,))
    sold = await house.sell()
    house.store.fail_erasing(1)
    house.clock.advance(DAY_MS)
    await house.dialer.idle()
    assert len(house.dialer.engine.erasures) == 1
    house.clock.advance(1000)
    await house.dialer.idle()
    assert not house.dialer.engine.erasures
    assert (await house.row(sold.id)).erased
    await house.close()
