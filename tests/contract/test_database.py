"""What every database promises: organisations side by side, claimed as a whole, and nothing of one in another."""

import asyncio
from typing import Any

import pytest
from contract.build import NOON, closed, commit, event, fresh, lead, load, pool
from contract.look_alikes import THEIRS, make_both, portrait, unchanged

from nextlead.core.matching import keys_of
from nextlead.core.model import Answer, Erasure, LeadData
from nextlead.core.row import DAY_MS
from nextlead.ports import DEFAULT, KeyUse, LeadFilter, Organisation, StoreError, StoreRefused
from nextlead_adapters.journalled import tending

THIRD = Organisation(3, "third", "Third", NOON)


async def store_of(database: Any, no: int) -> Any:
    store = database.store(no)
    await store.open()
    await store.claim()
    return store


async def again(databases: Any, old: Any) -> Any:
    """The next life."""
    await old.close()
    database = databases()
    await database.open()
    await database.claim()
    return database


async def names(store: Any) -> dict[int, bytes]:
    return {found.lead.id: found.data for found in await store.leads(LeadFilter())}


def named(name: str) -> bytes:
    return f'{{"name":"{name}"}}'.encode()


# -- organisations --------------------------------------------------------------------------------------------------


async def test_the_default_organisation_is_there_from_the_start(databases: Any, database: Any) -> None:
    assert await database.organisations() == [DEFAULT]
    assert database.holds()
    database = await again(databases, database)
    assert await database.organisations() == [DEFAULT]
    await database.close()


async def test_organisations_are_made_and_renamed_for_good(databases: Any, database: Any) -> None:
    await database.put(THIRD)
    await database.put(THEIRS)
    assert await database.organisations() == [DEFAULT, THEIRS, THIRD]
    await database.put(Organisation(3, "third", "The third", NOON))
    await database.put(Organisation(1, "default", "The first"))
    renamed = [Organisation(1, "default", "The first"), THEIRS, Organisation(3, "third", "The third", NOON)]
    for _ in range(2):
        assert await database.organisations() == renamed
        database = await again(databases, database)
    await database.close()


async def test_a_code_stays_and_is_nobody_elses(database: Any) -> None:
    await database.put(THEIRS)
    await database.put(Organisation(2, "another", "Renamed", 5))
    assert await database.organisations() == [DEFAULT, Organisation(2, "second", "Renamed")]
    with pytest.raises(StoreError, match="second"):
        await database.put(Organisation(3, "second", "Third"))
    assert [found.no for found in await database.organisations()] == [1, 2]


# -- claims ---------------------------------------------------------------------------------------------------------


async def test_a_second_claim_is_refused_until_the_first_is_given_back(databases: Any, database: Any) -> None:
    # R5.4
    store = await store_of(database, 1)
    second = databases()
    await second.open()
    with pytest.raises(StoreRefused, match="in use by"):
        await second.claim()
    if second is not database:
        await second.close()
    await commit(store, 1, pool())
    await database.put(THEIRS)
    await store.close()
    await database.close()
    third = databases()
    await third.open()
    await third.claim()
    assert await third.organisations() == [DEFAULT, THEIRS]
    await third.close()


async def test_a_database_is_claimed_once(database: Any) -> None:
    with pytest.raises(StoreRefused, match="in use by"):
        await database.claim()
    await database.put(THEIRS)
    assert database.holds()


async def test_without_a_claim_nothing_is_put(databases: Any, database: Any) -> None:
    await database.close()
    assert not database.holds()
    other = databases()
    await other.open()
    with pytest.raises(StoreRefused, match="not claimed"):
        await other.put(THEIRS)
    await other.close()


async def test_a_store_is_claimed_once_and_again_after_it_was_closed(database: Any) -> None:
    store = await store_of(database, 1)
    await commit(store, 1, pool())
    other = database.store(1)
    await other.open()
    with pytest.raises(StoreRefused, match="in use by"):
        await other.claim()
    await commit(store, 2, pool(2))
    await store.close()
    assert database.holds()
    store = database.store(1)
    await store.open()
    claim = await store.claim()
    assert (claim.commit_no, claim.at_ms) == (2, NOON)
    assert claim.holds()
    await store.close()


async def test_a_kill_loses_nothing_of_anybody(databases: Any, database: Any) -> None:
    # R5.1
    await database.put(THEIRS)
    for no in (1, 2):
        store = await store_of(database, no)
        await commit(store, 1, pool(), fresh=[fresh(1, data=named(f"of {no}"))])
        await commit(store, 2, lead(1, attempts=no))
    database = await databases.crash(database)
    await database.open()
    await database.claim()
    assert await database.organisations() == [DEFAULT, THEIRS]
    for no in (1, 2):
        store = await store_of(database, no)
        assert [row.attempts for row in (await load(store)).leads] == [no]
        assert await names(store) == {1: named(f"of {no}")}
        await store.close()
    await database.close()


async def test_who_holds_it_does_not_hear_of_a_loss(database: Any) -> None:
    lost = asyncio.create_task(database.lost())
    await database.put(THEIRS)
    assert not lost.done()
    lost.cancel()
    await asyncio.wait([lost])


# -- side by side ---------------------------------------------------------------------------------------------------


async def test_the_same_ids_in_each_are_different_leads(databases: Any, database: Any) -> None:
    """Commits have their own numbers and times, too."""
    await database.put(THEIRS)
    await database.put(THIRD)
    for no in (1, 2, 3):
        store = await store_of(database, no)
        await commit(store, 1, pool(1, no * 10), fresh=[fresh(i, data=named(f"{no}.{i}")) for i in (1, 2)])
        for more in range(no):
            await commit(store, 2 + more, lead(1, attempts=more, last_commit=2), at_ms=NOON + no)
        await store.close()
    database = await again(databases, database)
    for no in (1, 2, 3):
        store = database.store(no)
        await store.open()
        claim = await store.claim()
        assert (claim.commit_no, claim.at_ms) == (1 + no, NOON + no)
        whole = await load(store)
        assert [row.campaign for table, row in whole.rows if table == "pool"] == [no * 10]
        assert [row.attempts for row in whole.leads] == [no - 1]
        assert [row.id for row in whole.fresh] == [2]
        assert await names(store) == {1: named(f"{no}.1"), 2: named(f"{no}.2")}
        await store.close()
    await database.close()


@pytest.mark.parametrize("fold_rows", [1, tending.FOLD_ROWS])
async def test_all_write_at_the_same_time(
    databases: Any, database: Any, monkeypatch: pytest.MonkeyPatch, fold_rows: int
) -> None:
    """Commits, folds, deletions, rules that are filled: each finds only its own, now and after a restart."""
    monkeypatch.setattr(tending, "FOLD_ROWS", fold_rows)
    await database.put(THEIRS)
    await database.put(THIRD)

    async def work(no: int) -> None:
        store = await store_of(database, no)
        leads = [fresh(i, data=named(f"{no}.{i}")) for i in range(1, 21)]
        await commit(store, 1, pool(), fresh=leads)
        for turn in range(2, 2 + 5 * no):
            rows = [lead(i, attempts=turn * no, last_commit=turn) for i in (1, 2, 3)]
            told = [event(i, f"turn {turn}", turn - 1 if turn > 2 else 0) for i in (1, 2, 3)]
            await commit(store, turn, *rows, LeadData(4, named(f"{no}.new")), events=told)
            if turn == 4:
                await store.match_rule("name")
        await commit(store, 2 + 5 * no, gone=[20 - no])
        await store.close()

    await asyncio.gather(*map(work, (1, 2, 3)))
    for _ in range(2):
        for no in (1, 2, 3):
            store = await store_of(database, no)
            last = 1 + 5 * no
            assert {row.attempts for row in (await load(store)).leads} == {last * no}
            assert [found.kind for found in await store.history(2)] == [f"turn {turn}" for turn in range(2, last + 1)]
            assert set(range(1, 21)) - await store.existing(range(1, 21)) == {20 - no}
            keys = {who: keys_of("name", (), {"name": who})[0] for who in (f"{no}.new", f"{3 if no < 3 else 1}.5")}
            await store.match_rule("name")
            assert await store.matches("name", list(keys.values())) == [KeyUse(keys[f"{no}.new"], 4, 1, 10, False)]
            await store.close()
        database = await again(databases, database)
    await database.close()


async def test_one_that_is_erased_in_is_erased_in_alone(databases: Any, database: Any) -> None:
    """While another writes, too. The third has the same people, and keeps them."""
    # R10.6
    await make_both(database)
    await database.put(THIRD)
    mine, busy = await store_of(database, 2), await store_of(database, 3)
    ada = 12025550101
    await commit(mine, 1, pool(), fresh=[fresh(1, numbers=(ada,)), fresh(2)])
    await commit(mine, 2, lead(1, numbers=(ada,), last_commit=2), events=[event(1, "leased", number=ada, note="Ada")])
    erasures = [Erasure(1, 1, 1, 3), Erasure(2, 0, 0, 0, forget=(ada,))]
    gone = closed(1, "anonymized", numbers=(), erased=True, last_commit=3)
    await commit(mine, 3, gone, *erasures, events=[event(1, "anonymized", 2)])
    await commit(busy, 1, pool(), fresh=[fresh(1, numbers=(ada,), data=named("Ada"))])
    erasing = asyncio.create_task(mine.erase(erasures))
    last = 1
    while not erasing.done() or last < 5:
        last += 1
        previous = last - 1 if last > 2 else 0
        told = [event(1, "leased", previous, number=ada, note="Ada")]
        await commit(busy, last, lead(1, numbers=(ada,), last_commit=last), events=told)
        await asyncio.sleep(0)  # memory never waits
    await erasing
    for store in (mine, busy):
        await store.close()
    for _ in range(2):
        mine, busy = await store_of(database, 2), await store_of(database, 3)
        assert await mine.numbers([ada]) == []
        assert [found.note for found in await mine.history(1)] == ["", ""]
        assert [found.lead for found in await busy.numbers([ada])] == [1]
        assert {found.note for found in await busy.history(1)} == {"Ada"}
        assert len(await busy.history(1)) == last - 1
        assert await names(busy) == {1: named("Ada")}
        first = await store_of(database, 1)
        assert await portrait(first) == await unchanged()
        for store in (first, mine, busy):
            await store.close()
        database = await again(databases, database)
    await database.close()


async def test_numbers_rules_data_and_answers_are_each_ones_own(databases: Any, database: Any) -> None:
    """The same ids with each other's numbers; a rule that was filled in the first only; what goes in the second."""
    await database.put(THEIRS)
    ada, bob = 12025550101, 12025550102
    first, second = await store_of(database, 1), await store_of(database, 2)
    kept = {("answer", "k"): Answer("k", "sha", 200, b"{}", NOON)}
    await first.match_rule("name")
    for store, pair in ((first, (ada, bob)), (second, (bob, ada))):
        leads = [fresh(i, numbers=(number,), data=named("Ada")) for i, number in enumerate(pair, start=1)]
        await commit(store, 1, pool(), fresh=leads, rows=kept)
        await store.close()
    database = await again(databases, database)
    first, second = await store_of(database, 1), await store_of(database, 2)
    assert [found.lead.id for found in await first.leads(LeadFilter(number=ada))] == [1]
    assert [found.lead.id for found in await second.leads(LeadFilter(number=ada))] == [2]
    await second.match_rule("name")
    (key,) = keys_of("name", (), {"name": "Ada"})
    await commit(second, 2, gone=[1], at_ms=NOON + 2 * DAY_MS)
    assert [use.lead for use in await second.matches("name", [key])] == [2]
    for store in (first, second):
        await store.close()
    first = await store_of(database, 1)
    assert await names(first) == {1: named("Ada"), 2: named("Ada")}
    assert [use.lead for use in await first.matches("name", [key])] == [1, 2]
    assert await first.answer("k")
    await first.close()
    await database.close()


async def test_what_goes_wrong_in_one_store_leaves_the_others_going(database: Any) -> None:
    await database.put(THEIRS)
    first, second = await store_of(database, 1), await store_of(database, 2)
    await commit(first, 1, pool())
    await commit(second, 1, pool())
    with pytest.raises(StoreRefused):
        await commit(first, 7, lead(1))
    await commit(second, 2, lead(1))
    await commit(first, 2, lead(2))
    assert [row.id for row in (await load(first)).leads] == [2]
    assert [row.id for row in (await load(second)).leads] == [1]
    await first.close()
    await commit(second, 3, lead(3))
    assert [row.id for row in (await load(second)).leads] == [1, 3]
    await second.close()
