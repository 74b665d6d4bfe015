"""What every store promises on the write side."""

from typing import Any

import pytest
from contract.build import NOON, changes, closed, commit, event, fresh, lead, load, pool

from nextlead.core.model import Answer, LeadData, Status
from nextlead.core.setup_model import Agent, Sequences, Team
from nextlead.ports import Commit, StoreRefused
from nextlead.testing import FaultyStore


async def reopen(home: Any, store: Any) -> Any:
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    return store


async def test_a_new_store_is_empty(home: Any) -> None:
    await home.store.open()
    claim = await home.store.claim()
    assert (claim.commit_no, claim.at_ms) == (0, 0)
    assert claim.epoch > 0
    whole = await load(home.store)
    assert not whole.rows
    assert not whole.leads
    assert not whole.fresh
    await home.store.close()


async def test_what_was_committed_loads_in_the_next_life(home: Any, store: Any) -> None:
    rows = {
        ("team", 1): Team(1, "root", "All", 0),
        ("agent", 2): Agent(2, "A", "Ada", 1, campaigns=(10,)),
        ("sequences", 0): Sequences(3, 2, 9),
    }
    await commit(store, 1, pool(), rows=rows)
    await commit(store, 2, fresh=[fresh(1), fresh(2)])
    await commit(store, 3, lead(2, attempts=4, due_ms=NOON), at_ms=NOON + 5)
    store = await reopen(home, store)
    whole = await load(store)
    assert dict(whole.rows) == {
        "team": rows["team", 1],
        "agent": rows["agent", 2],
        "sequences": rows["sequences", 0],
        "pool": pool(),
    }
    assert whole.leads == [lead(2, attempts=4, due_ms=NOON)]
    assert whole.fresh == [fresh(1, data=b"")]
    await store.close()


async def test_a_claim_tells_where_it_stands_and_its_epoch_rises(home: Any) -> None:
    store = home.store
    await store.open()
    first = await store.claim()
    await commit(store, 1, pool(), at_ms=NOON)
    await commit(store, 2, lead(1), at_ms=NOON + 7)
    await store.close()
    store = home.again()
    await store.open()
    second = await store.claim()
    assert (second.commit_no, second.at_ms) == (2, NOON + 7)
    assert second.epoch > first.epoch
    await store.close()


async def test_the_newest_row_of_each_key_stays(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), rows={("team", 1): Team(1, "root", "All", 0), ("team", 5): Team(5, "t", "old", 1)})
    await commit(store, 2, lead(1, attempts=1), lead(2), fresh=[fresh(1), fresh(2)])
    await commit(store, 3, lead(1, attempts=2), rows={("team", 5): Team(5, "t", "new", 1)})
    store = await reopen(home, store)
    await commit(store, 4, lead(1, attempts=3))
    whole = await load(store)
    assert sorted(whole.leads, key=lambda row: row.id) == [lead(1, attempts=3), lead(2)]
    assert ("team", Team(5, "t", "new", 1)) in whole.rows
    assert len(whole.rows) == 3
    store = await reopen(home, store)
    assert len((await load(store)).rows) == 3
    await store.close()


async def test_a_deleted_row_does_not_load(home: Any, store: Any) -> None:
    await commit(store, 1, rows={("team", 5): Team(5, "t", "T", 1), ("team", 6): Team(6, "u", "U", 1)})
    store = await reopen(home, store)
    await commit(store, 2, rows={("team", 5): None})
    assert (await load(store)).rows == [("team", Team(6, "u", "U", 1))]
    store = await reopen(home, store)
    assert (await load(store)).rows == [("team", Team(6, "u", "U", 1))]
    await store.close()


async def test_text_and_number_keys_of_a_table_stay_apart(home: Any, store: Any) -> None:
    rows = {("team", 1): Team(1, "root", "All", 0), ("blocked", 14155550001): None}
    await commit(store, 1, rows=rows)
    store = await reopen(home, store)
    assert (await load(store)).rows == [("team", Team(1, "root", "All", 0))]
    await store.close()


async def test_closed_leads_never_load(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2), fresh(3)])
    await commit(store, 2, closed(1), lead(2))
    assert [row.id for row in (await load(store)).leads] == [2]
    store = await reopen(home, store)
    await commit(store, 3, closed(2))
    whole = await load(store)
    assert not whole.leads
    assert [row.id for row in whole.fresh] == [3]
    store = await reopen(home, store)
    whole = await load(store)
    assert not whole.leads
    assert [row.id for row in whole.fresh] == [3]
    await store.close()


async def test_a_reopened_lead_loads_again(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), closed(1), fresh=[fresh(1)])
    store = await reopen(home, store)
    await commit(store, 2, lead(1, Status.UNPROCESSED))
    store = await reopen(home, store)
    whole = await load(store)
    assert [row.id for row in whole.leads] == [1]
    assert not whole.fresh
    await store.close()


async def test_fresh_leads_load_by_pool_and_ordinal(home: Any, store: Any) -> None:
    made = [fresh(1, 2, ordinal=2), fresh(2, 1, ordinal=3), fresh(3, 2, ordinal=1), fresh(4, 1, ordinal=20)]
    await commit(store, 1, pool(1), pool(2), fresh=made)
    assert [row.id for row in (await load(store)).fresh] == [2, 4, 3, 1]


async def test_a_fresh_lead_comes_back_whole(home: Any, store: Any) -> None:
    made = fresh(7, ordinal=3, numbers=(1, 2, 3), owner=12, priority=9, zones=5, created_ms=NOON, master=4, data=b"{}")
    await commit(store, 1, pool(), fresh=[made])
    assert (await load(store)).fresh == [
        fresh(7, ordinal=3, numbers=(1, 2, 3), owner=12, priority=9, zones=5, created_ms=NOON, master=4, data=b"")
    ]


async def test_a_lead_that_is_fresh_and_touched_in_one_commit_is_touched(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), lead(1), fresh=[fresh(1)])
    for _ in range(2):
        whole = await load(store)
        assert whole.leads == [lead(1)]
        assert not whole.fresh
        store = await reopen(home, store)
    await store.close()


async def test_a_large_import_loads_whole(home: Any, store: Any) -> None:
    """More than one slice of everything."""
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 12_001)])
    await commit(store, 2, *[lead(i) for i in range(1, 1_001)])
    whole = await load(store)
    assert [row.id for row in whole.fresh] == list(range(1_001, 12_001))
    assert sorted(row.id for row in whole.leads) == list(range(1, 1_001))


async def test_gone_leads_are_gone(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2), fresh(3), fresh(4)])
    await commit(store, 2, lead(2), LeadData(2, b'{"name":"Bob"}'))
    await commit(store, 3, lead(2), lead(4), gone=[1, 2])
    for _ in range(2):
        whole = await load(store)
        assert [row.id for row in whole.fresh] == [3]
        assert [row.id for row in whole.leads] == [4]
        assert await store.lead(1) is None
        assert await store.lead(2) is None
        assert await store.history(2) == []
        assert await store.numbers([14155550001, 14155550002]) == []
        assert set(await store.data([1, 2, 3])) == {3}
        store = await reopen(home, store)
    await store.close()


async def test_gone_wins_over_what_was_touched_before_a_crash(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    await commit(store, 2, lead(1))
    await commit(store, 3, gone=[1])
    store = await home.crash()
    await store.open()
    await store.claim()
    assert not (await load(store)).leads
    store = await reopen(home, store)
    assert await store.lead(1) is None
    await store.close()


async def test_fresh_and_gone_in_one_commit_was_never_there(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)], gone=[1])
    assert [row.id for row in (await load(store)).fresh] == [2]
    assert await store.numbers([14155550001]) == []


async def test_the_last_commit_may_come_again(home: Any, store: Any) -> None:
    for _ in range(2):
        await commit(store, 1, pool(), fresh=[fresh(1)])
    for _ in range(2):
        await commit(store, 2, lead(1, last_commit=2), events=[event(1, "leased")])
    assert [found.kind for found in await store.history(1)] == ["leased"]
    store = await reopen(home, store)
    await commit(store, 2, lead(1, last_commit=2), events=[event(1, "leased")])
    await commit(store, 3, pool())
    await store.close()


@pytest.mark.parametrize("no", [0, 1, 4, 100])
async def test_a_number_out_of_order_is_refused_and_changes_nothing(home: Any, store: Any, no: int) -> None:
    await commit(store, 1, pool())
    await commit(store, 2, lead(1))
    with pytest.raises(StoreRefused):
        await commit(store, no, lead(2))
    assert [row.id for row in (await load(store)).leads] == [1]
    await commit(store, 3, lead(3))


async def test_an_empty_commit_counts(home: Any, store: Any) -> None:
    await commit(store, 1)
    await commit(store, 2, pool())
    store = await reopen(home, store)
    await commit(store, 3)
    await store.close()


async def test_a_second_claim_is_refused_until_the_first_is_given_back(home: Any, store: Any) -> None:
    second = home.again()
    await second.open()
    with pytest.raises(StoreRefused, match=r"in use by process \d+"):
        await second.claim()
    if second is not store:
        await second.close()
    await commit(store, 1, pool())  # R5.4: the refused one took nothing away
    await store.close()
    third = home.again()
    await third.open()
    assert (await third.claim()).commit_no == 1
    await third.close()


async def test_everything_that_was_acknowledged_survives_a_kill(home: Any, store: Any) -> None:
    # R5.1
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 6)])
    await commit(store, 2, lead(1, last_commit=2), LeadData(1, b'{"name":"Bob"}'), events=[event(1, "leased")])
    await commit(store, 3, closed(1, last_commit=3), lead(2), events=[event(1, "finished", 2)], at_ms=NOON + 1)
    store = await home.crash()
    await store.open()
    claim = await store.claim()
    assert (claim.commit_no, claim.at_ms) == (3, NOON + 1)
    whole = await load(store)
    assert whole.leads == [lead(2)]
    assert [row.id for row in whole.fresh] == [3, 4, 5]
    assert [found.kind for found in await store.history(1)] == ["leased", "finished"]
    assert (await store.lead(1)).data == b'{"name":"Bob"}'
    await commit(store, 4, closed(2))
    store = await reopen(home, store)
    assert not (await load(store)).leads
    await store.close()


async def test_a_later_change_of_the_same_objects_changes_nothing_stored(home: Any, store: Any) -> None:
    """The runtime goes on with the dictionaries it committed."""
    made = changes(pool(), lead(1, last_commit=1), events=[event(1, "leased")])
    await store.commit(Commit(1, NOON, made))
    made.leads[2] = lead(2)
    made.events.append(event(1, "finished"))
    assert [row.id for row in (await load(store)).leads] == [1]
    assert [found.kind for found in await store.history(1)] == ["leased"]


async def test_a_faulty_store_loses_a_commit_or_only_its_answer(home: Any, store: Any) -> None:
    faulty = FaultyStore(store)
    faulty.fail()
    made = Commit(1, NOON, changes(pool(), fresh=[fresh(1)]))
    with pytest.raises(Exception, match="told to fail"):
        await faulty.commit(made)
    assert await faulty.lead(1) is None
    faulty.doubt()
    with pytest.raises(Exception, match="told to lose"):
        await faulty.commit(made)
    assert await faulty.lead(1) is not None
    await faulty.commit(made)
    assert faulty.commits == [1, 1, 1]


async def test_a_kept_answer_is_no_part_of_a_load(home: Any, store: Any) -> None:
    rows = {("answer", "k"): Answer("k", "b", 200, b"{}", NOON)}
    await commit(store, 1, pool(), LeadData(1, b"{}"), fresh=[fresh(1)], rows=rows)
    for _ in range(2):
        assert (await load(store)).rows == [("pool", pool())]
        store = await reopen(home, store)
    await store.close()
