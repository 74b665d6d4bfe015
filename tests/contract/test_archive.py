"""What every store promises on the read side."""

from typing import Any

import pytest
from contract.build import NOON, closed, commit, event, fresh, lead, pool, reject

from nextlead.core.model import Answer, LeadData, Status
from nextlead.core.row import DAY_MS
from nextlead.ports import LeadFilter, NumberUse


async def ids(store: Any, **query: Any) -> list[int]:
    return [found.lead.id for found in await store.leads(LeadFilter(**query))]


# -- leads ----------------------------------------------------------------------------------------------------------


async def test_an_untouched_lead_is_built_from_its_row_and_its_pool(store: Any) -> None:
    await commit(
        store, 1, pool(campaign=33), fresh=[fresh(1, owner=12, priority=3, zones=4, master=9, created_ms=NOON)]
    )
    found = await store.lead(1)
    assert found.lead == lead(
        1, Status.UNPROCESSED, campaign=33, owner=12, original_owner=12, priority=3, zones=4, master=9, created_ms=NOON
    )
    assert found.data == b'{"name":"Ada"}'


async def test_a_shuffled_pool_shuffles_its_untouched_leads(store: Any) -> None:
    # R9.10: from the stored seed; what came later stays behind, in file order
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 40)])
    await commit(store, 2, pool(shuffle_seed=5, shuffled_to=38))
    order = sorted([found.lead for found in await store.leads(LeadFilter())], key=lambda row: row.seq)
    assert [row.id for row in order[:-1]] != list(range(1, 39))
    assert order[-1].id == 39


async def test_a_touched_lead_is_its_newest_row(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    await commit(store, 2, lead(1, attempts=1))
    await commit(store, 3, closed(1, attempts=2))
    assert (await store.lead(1)).lead == closed(1, attempts=2)


async def test_a_lead_that_never_was_is_none(store: Any) -> None:
    assert await store.lead(1) is None


async def test_changed_data_is_the_newest(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    await commit(store, 2, LeadData(1, b'{"name":"Bob"}'))
    await commit(store, 3, LeadData(1, b'{"name":"Cy"}'))
    assert await store.data([1, 2, 3]) == {1: b'{"name":"Cy"}', 2: b'{"name":"Ada"}'}
    assert (await store.lead(1)).data == b'{"name":"Cy"}'


async def test_numbers_tell_open_and_closed_leads(store: Any) -> None:
    # R9.6, among `all`
    await commit(
        store,
        1,
        pool(),
        pool(2, 20),
        fresh=[fresh(1, numbers=(5, 6)), fresh(2, 2, numbers=(6,)), fresh(3, numbers=(7,))],
    )
    await commit(store, 2, closed(1, numbers=(5, 6)))
    assert await store.numbers([6, 5, 8]) == [
        NumberUse(5, 1, 1, 10, True),
        NumberUse(6, 1, 1, 10, True),
        NumberUse(6, 2, 2, 20, False),
    ]


# -- filters --------------------------------------------------------------------------------------------------------


async def a_mixed_lot(store: Any) -> None:
    made = [fresh(i) for i in range(1, 7)] + [
        fresh(7, 2, owner=12),
        fresh(8, 3, data=b'{"name":"\xc3\x9crsula \\"U\\" Oz"}'),
    ]
    await commit(store, 1, pool(1), pool(2), pool(3, 30), fresh=made)
    await commit(store, 2, lead(2, due_ms=NOON), lead(3, Status.PRIVATE_REDIAL, owner=12, due_ms=NOON + 9))
    await commit(store, 3, closed(4), closed(5, "not_interested", due_ms=3), LeadData(6, b'{"city":"Oslo"}'))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"campaign": 10}, [1, 2, 3, 4, 5, 6, 7]),
        ({"campaign": 30}, [8]),
        ({"campaign": 99}, []),
        ({"pool": 2}, [7]),
        ({"status": Status.UNPROCESSED}, [1, 6, 7, 8]),
        ({"status": Status.PRIVATE_REDIAL}, [3]),
        ({"status": Status.CLOSED}, [4, 5]),
        ({"closure": "success"}, [4]),
        ({"owner": 12}, [3, 7]),
        ({"number": 14155550003}, [3]),
        ({"number": 14155550007}, [7]),
        ({"number": 1}, []),
        ({"due_before_ms": NOON + 1}, [1, 2, 6, 7, 8]),
        ({"due_before_ms": NOON + 1, "owner": 12}, [7]),
        ({"text": "oslo"}, [6]),
        ({"text": "ada"}, [1, 2, 3, 4, 5, 7]),
        ({"text": '"u"'}, [8]),
        ({"text": "\u00dcrs"}, [8]),
        ({"text": "city"}, []),
        ({"after": 5}, [6, 7, 8]),
        ({"limit": 3}, [1, 2, 3]),
        ({"after": 2, "limit": 2, "campaign": 10}, [3, 4]),
        ({"status": Status.CLOSED, "due_before_ms": NOON}, []),
        ({"status": Status.UNPROCESSED, "closure": "success"}, []),
    ],
)
@pytest.mark.parametrize("folded", [False, True])
async def test_filters(home: Any, store: Any, query: dict[str, Any], found: list[int], *, folded: bool) -> None:
    await a_mixed_lot(store)
    if folded:
        await store.close()
        store = home.again()
        await store.open()
        await store.claim()
    assert await ids(store, **query) == found
    await store.close()


@pytest.mark.parametrize("folded", [False, True])
async def test_a_lead_is_not_found_by_a_number_that_it_lost(home: Any, store: Any, *, folded: bool) -> None:  # R6.4
    made = [fresh(1, numbers=(5, 6)), fresh(2, numbers=(5,)), fresh(3, numbers=(6,)), fresh(4, numbers=(5,))]
    await commit(store, 1, pool(), fresh=made)
    gone = closed(2, "invalid_phone_number", numbers=(), dropped=(5,))
    await commit(store, 2, lead(1, numbers=(6,), dropped=(5,)), gone)
    if folded:
        await store.close()
        store = home.again()
        await store.open()
        await store.claim()
    assert await ids(store, number=5) == [4]
    assert await ids(store, number=6) == [1, 3]
    assert [await store.count(LeadFilter(number=number)) for number in (5, 6)] == [1, 2]
    assert await store.count(LeadFilter(number=6, text="ada", status=Status.UNPROCESSED)) == 1
    await store.close()


async def test_a_row_that_changed_is_found_only_as_it_is_now(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), lead(1, owner=12), fresh=[fresh(1, owner=12), fresh(2)])
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    await commit(store, 2, closed(1), lead(2, owner=12))
    assert await ids(store, owner=12) == [2]
    assert await ids(store, status=Status.AUTOMATIC_REDIAL) == [2]
    assert await ids(store, status=Status.UNPROCESSED) == []
    await store.close()


async def test_pages_join_without_a_gap_or_a_repeat(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 51)])
    await commit(store, 2, *[lead(i) for i in range(1, 51, 3)])
    seen: list[int] = []
    while page := await ids(store, after=seen[-1] if seen else 0, limit=7):
        seen += page
    assert seen == list(range(1, 51))


# -- history --------------------------------------------------------------------------------------------------------


async def test_history_follows_the_chain_through_the_commits(store: Any) -> None:
    # R1.3
    await commit(store, 1, pool(), lead(1, last_commit=1), events=[event(1, "loaded")], fresh=[fresh(1), fresh(2)])
    both = [event(1, "leased", 1), event(2, "leased"), event(1, "finished", 2)]
    await commit(store, 2, lead(1, last_commit=2), lead(2, last_commit=2), events=both)
    await commit(store, 3, pool())
    await commit(store, 4, lead(1, last_commit=2, priority=3))
    await commit(store, 5, closed(1, last_commit=5), events=[event(1, "removed", 2)])
    assert [found.kind for found in await store.history(1)] == ["loaded", "leased", "finished", "removed"]
    assert await store.history(2) == [event(2, "leased")]


async def test_a_lead_without_events_has_no_history(store: Any) -> None:
    await commit(store, 1, pool(), fresh=[fresh(1)])
    assert await store.history(1) == []
    assert await store.history(99) == []


async def test_history_outlives_restarts(home: Any, store: Any) -> None:
    await commit(store, 1, pool(), lead(1, last_commit=1), events=[event(1, "leased")], fresh=[fresh(1)])
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    await commit(store, 2, lead(1, last_commit=2), events=[event(1, "finished", 1)])
    assert [found.kind for found in await store.history(1)] == ["leased", "finished"]
    await store.close()


async def test_a_lead_as_a_commit_left_it(store: Any) -> None:
    # R5.3: the first answer to a finish sent again
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    await commit(store, 2, lead(1, attempts=1))
    await commit(store, 3, lead(1, attempts=2), lead(2))
    assert await store.lead_at(2, 1) == lead(1, attempts=1)
    assert await store.lead_at(3, 1) == lead(1, attempts=2)
    assert await store.lead_at(2, 2) is None
    assert await store.lead_at(9, 1) is None


# -- rejects and answers --------------------------------------------------------------------------------------------


async def test_rejects_come_by_kind_in_row_order(store: Any) -> None:
    # R9.4, R9.12
    await commit(store, 1, pool(), rejects=[reject(5), reject(2), reject(3, "duplicate")])
    await commit(store, 2, rejects=[reject(4), reject(1, pool_=2), reject(4)])
    assert [found.row for found in await store.rejects(1, "invalid")] == [2, 4, 4, 5]
    assert await store.rejects(1, "duplicate") == [reject(3, "duplicate")]
    assert await store.rejects(3, "invalid") == []


async def test_an_answer_is_kept_for_a_day_of_engine_time(home: Any, store: Any) -> None:
    first = Answer("k", "sha", 201, b'{"id":1}', NOON)
    await commit(store, 1, rows={("answer", "k"): first}, at_ms=NOON)
    assert await store.answer("k") == first
    assert await store.answer("other") is None
    await commit(store, 2, at_ms=NOON + DAY_MS)
    assert await store.answer("k") == first
    await commit(store, 3, at_ms=NOON + DAY_MS + 1)
    assert await store.answer("k") is None
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    assert await store.answer("k") is None
    await store.close()
