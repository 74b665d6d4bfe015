"""What was decided to be forgotten goes from files and store, now or as soon as it can (SPEC R10.6)."""

import asyncio
from collections.abc import Collection

import pytest
import structlog
from unit.privacy.house import ANNA, BERT, CARL, DORA, House

from nextlead.core.commands import Block, ClosePool, IntakeRow, LoadRows
from nextlead.core.errors import StorageFailed
from nextlead.core.model import Erasure
from nextlead.ports import StoreError
from nextlead.testing.clock import FakeClock


async def test_answers_when_everything_is_gone(house: House) -> None:  # R10.6
    one, two = await house.begin((ANNA,), (BERT,)), await house.begin((BERT,), (CARL,))
    await house.reject(two, ANNA)
    house.files.rows[two].append(ANNA)
    for pool in (one, two):
        await house(ClosePool(pool=pool))
    await house(Block(numbers=(ANNA,), reason="asked"))
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.originals, report.rows, report.entries, report.later) == (2, 2, 1, False)
    assert house.files.rows == {one: [BERT], two: [BERT, CARL]}
    assert await house.store.rejects(two, "invalid") == []
    assert not house.dialer.engine.erasures
    assert not house.dialer.engine.blocked


async def test_other_numbers_of_the_leads_go_from_the_file_they_came_in(house: House) -> None:  # R10.6
    one, two = await house.begin((ANNA,), (ANNA, BERT)), await house.begin((BERT, CARL), (DORA,))
    three = await house.begin((CARL,))
    for pool in (one, two, three):
        await house(ClosePool(pool=pool))
    await house.privacy.anonymise(number=ANNA, by="admin")
    assert house.files.rows == {one: [], two: [DORA], three: [CARL]}


async def test_a_leased_lead_goes_when_its_lease_ends(house: House) -> None:  # R1.5, R10.6
    (lead,) = await house.load((ANNA,))
    offer = await house.lease()
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.leads, report.closed, report.marked) == (1, 0, 1)
    assert (await house.row(lead)).numbers == (ANNA,)
    await house.finish(offer, "not_interested", note="will move to Bert")
    await house.dialer.idle()
    row = await house.row(lead)
    assert (row.numbers, row.closure, row.erased) == ((), "anonymized", True)
    assert not house.dialer.engine.erasures
    assert "Bert" not in str(await house.store.history(lead))


async def test_a_dry_run_says_and_does_nothing(house: House) -> None:
    leads = await house.load((ANNA,), (ANNA, BERT), (CARL,))
    await house.lease()
    await house(Block(numbers=(BERT,)))
    foretold = await house.privacy.anonymise(lead=leads[1], by="admin", dry_run=True)
    assert (foretold.leads, foretold.closed, foretold.marked, foretold.numbers, foretold.entries) == (2, 1, 1, 2, 1)
    assert house.dialer.engine.refusal_of(ANNA) is None
    assert not house.files.rewritten
    done = await house.privacy.anonymise(lead=leads[1], by="admin")
    assert (done.leads, done.closed, done.marked, done.numbers, done.entries) == (2, 1, 1, 2, 1)


async def test_a_store_that_fails_is_told_and_tried_again(house: House) -> None:  # R10.6
    await house.load((ANNA,))
    house.store.fail_erasing(2)
    with structlog.testing.capture_logs() as logs, pytest.raises(StorageFailed):
        await house.privacy.anonymise(number=ANNA, by="admin")
    assert [line["event"] for line in logs] == ["erasing_failed"]
    assert str(ANNA) not in str(logs)
    assert house.dialer.engine.refusal_of(ANNA) == "anonymized"
    for seconds, left in ((0.9, 2), (0.1, 2), (1.9, 2), (0.1, 0)):
        await _pass(house, seconds)
        assert len(house.dialer.engine.erasures) == left, seconds


async def test_a_file_that_cant_be_rewritten_now_holds_nothing_but_itself_up(house: House) -> None:
    await house.load((ANNA,))
    house.files.failures = 1
    with pytest.raises(StorageFailed):
        await house.privacy.anonymise(number=ANNA, by="admin")
    report = await house.privacy.anonymise(number=ANNA, by="admin")  # asked again, before the pause is over
    assert not house.dialer.engine.erasures
    assert report.leads == 0


async def test_a_restart_goes_on(house: House) -> None:  # R10.6
    (lead,) = await house.load((ANNA,))
    house.store.fail_erasing(1)
    with pytest.raises(StorageFailed):
        await house.privacy.anonymise(lead=lead, by="admin")
    await house.close()
    await house.open()
    await house.dialer.idle()
    assert not house.dialer.engine.erasures
    assert await house.store.numbers([ANNA]) == []
    assert house.dialer.engine.refusal_of(ANNA) == "anonymized"


async def test_it_goes_on_when_the_caller_has_gone(house: House) -> None:
    await house.load((ANNA,))
    caller = asyncio.create_task(house.privacy.anonymise(number=ANNA, by="admin"))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    report = await house.privacy.anonymise(number=BERT, by="admin")
    assert report.numbers == 1
    assert not house.dialer.engine.erasures


async def test_a_file_that_is_being_loaded_is_rewritten_when_it_is_loaded(house: House) -> None:  # R10.6
    pool = await house.begin((ANNA,), (BERT,))
    house.files.rows[pool].append(DORA)  # a row that is not read yet
    report = await house.privacy.anonymise(number=DORA, by="admin")
    assert report.later
    assert house.files.rewritten == []
    await house(Block(numbers=(CARL,)))
    await house.dialer.idle()
    assert house.files.rewritten == []
    await house(LoadRows(pool=pool, rows=(IntakeRow(9, (DORA,)),)))
    await house(ClosePool(pool=pool))
    await house.dialer.idle()
    assert house.files.rows[pool] == [ANNA, BERT]
    assert not house.dialer.engine.erasures


async def test_a_lead_of_a_file_that_is_being_loaded(house: House) -> None:  # R10.6
    pool = await house.begin((ANNA,), (BERT,))
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    assert (report.closed, report.later) == (1, True)
    await house.close()
    await house.open()
    await house(ClosePool(pool=pool))
    await house.dialer.idle()
    assert house.files.rows[pool] == [BERT]
    assert not house.dialer.engine.erasures


async def test_an_invalid_row_of_a_file_that_is_being_loaded(house: House) -> None:  # R10.6
    pool = await house.begin((BERT,))
    await house.reject(pool, ANNA)
    house.files.rows[pool].append(ANNA)
    assert (await house.privacy.anonymise(number=ANNA, by="admin")).later
    assert await house.store.rejects(pool, "invalid") == []
    await house(ClosePool(pool=pool))
    await house.dialer.idle()
    assert house.files.rows[pool] == [BERT]
    assert not house.dialer.engine.erasures


async def test_a_file_that_brings_a_forgotten_number_again_is_not_kept_with_it(house: House) -> None:  # R10.6
    await house.privacy.anonymise(number=ANNA, by="admin")
    leads = await house.load((ANNA,), (BERT,))
    await house.dialer.idle()
    assert len(leads) == 1
    assert list(house.files.rows.values()) == [[BERT]]
    assert not house.dialer.engine.erasures


async def test_a_lead_that_got_the_number_meanwhile_goes_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is sold between the look into the archive and the decision; its row is not the one that was read."""
    (lead,) = await house.load((ANNA,))
    offer = await house.lease()
    await house.dialer.submit(Block(numbers=(BERT,)))
    real = house.store.numbers

    async def sold_meanwhile(numbers: Collection[int]) -> object:
        found = await real(tuple(numbers))
        monkeypatch.setattr(house.store, "numbers", real)
        await house.finish(offer)
        return found

    monkeypatch.setattr(house.store, "numbers", sold_meanwhile)
    report = await house.privacy.anonymise(number=ANNA, by="admin")
    row = await house.row(lead)
    assert (report.closed, report.marked, row.closure, row.former) == (1, 0, "anonymized", "success")


async def test_one_batch_for_all_that_waits(house: House) -> None:
    """An original is rewritten once, however many of its leads are erased."""
    leads = await house.load((ANNA,), (BERT,), (CARL,))
    offer = await house.lease()
    assert offer.lead.id == leads[0]
    house.store.fail_erasing(3)
    for lead in leads:
        with pytest.raises(StorageFailed):
            await house.privacy.anonymise(lead=lead, by="admin")
    house.files.rewritten.clear()
    await house.finish(offer)
    await _pass(house, 8)
    assert not house.dialer.engine.erasures
    assert len(house.files.rewritten) == 1


async def test_the_store_is_asked_for_what_is_durable(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def erase(erasures: Collection[Erasure]) -> None:
        asked.extend(row.lead for row in erasures)
        assert (await house.row(1)).erased
        raise StoreError("the disk is full")

    (lead,) = await house.load((ANNA,))
    monkeypatch.setattr(house.store, "erase", erase)
    with pytest.raises(StorageFailed):
        await house.privacy.anonymise(lead=lead, by="admin")
    assert asked.count(lead) == 1


async def _pass(house: House, seconds: float) -> None:
    assert isinstance(house.clock, FakeClock)
    house.clock.advance(round(seconds * 1000))
    await house.dialer.idle()
