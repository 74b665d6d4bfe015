"""What every store promises of leads by condition, and of statistics (SPEC 13)."""

import asyncio
from typing import Any

import pytest
from contract.build import NOON, closed, commit, event, fresh, lead, load, pool
from msgspec import structs

from nextlead.core.activity_model import Activity, Latest
from nextlead.core.conditions import FRESH, Condition, condition_of
from nextlead.core.model import Lead, LeadData, SavedFilter, Status
from nextlead.ports import LeadFilter

ANN, BOB = 7, 8


def texted(kind: Activity, agent: int = 0) -> dict[str, Any]:
    return {"latest": Latest(kind, NOON, agent)}


TOUCHED = {
    row.id: row
    for row in (
        lead(2, **texted(Activity.SMS_OUT, ANN)),
        lead(3, **texted(Activity.SMS_IN)),
        lead(4, Status.UNPROCESSED),
        lead(5, Status.UNPROCESSED, **texted(Activity.NO_ANSWER, BOB)),
        closed(6),
        closed(7, **texted(Activity.SOLD, ANN)),
        closed(8, "not_accepted", rule="countries"),
        closed(9, "not_accepted", rule="fields.it's.required"),
        closed(10, "anonymized", former="success", erased=True, **texted(Activity.SOLD, ANN)),
        closed(11, "anonymized", former="not_accepted", rule="countries", erased=True),
        closed(12, "anonymized", erased=True),
        closed(13, "success", rule="countries"),
        closed(16, pool=3, campaign=30),
        lead(17, pool=3, campaign=30),
    )
}
FRESH_ONES = {1: 10, 14: 10, 15: 30, 18: 30}
"""Untouched leads and their campaigns."""
SHOWN = {id_: (row.campaign, condition_of(row).shown) for id_, row in TOUCHED.items()}
SHOWN |= {id_: (campaign, FRESH) for id_, campaign in FRESH_ONES.items()}


async def reopen(home: Any, store: Any) -> Any:
    await store.close()
    store = home.again()
    await store.open()
    await store.claim()
    return store


async def a_town(home: Any, store: Any, folded: str) -> Any:
    """All leads; those that were touched are folded, or half of them, or none."""
    where = {id_: 3 if campaign == 30 else 1 for id_, (campaign, _) in SHOWN.items()}
    more: dict[str, Any] = {"created_ms": NOON}
    await commit(store, 1, pool(1), pool(2), pool(3, 30), fresh=[fresh(i, where[i], **more) for i in sorted(SHOWN)])
    if folded == "none":
        store = await reopen(home, store)
    early = [row for row in TOUCHED.values() if folded == "all" or row.id % 2]
    await commit(store, 2, *early)
    if folded != "none":
        store = await reopen(home, store)
    await commit(store, 3, *[row for row in TOUCHED.values() if row not in early])
    return store


async def asked(store: Any, **query: Any) -> list[int]:
    """Ids; the count must be the same."""
    found = [entry.lead.id for entry in await store.leads(LeadFilter(**query))]
    assert await store.count(LeadFilter(**query)) == len(found)
    return found


def which(*ids: int) -> frozenset[tuple[int, Condition]]:
    """The conditions of these leads."""
    return frozenset(SHOWN[id_] for id_ in ids)


@pytest.mark.parametrize("folded", ["all", "half", "none"])
async def test_leads_by_condition(home: Any, store: Any, folded: str) -> None:
    # R13.4: an anonymised lead is found as that
    store = await a_town(home, store, folded)
    for one, shown in SHOWN.items():
        alike = [id_ for id_ in sorted(SHOWN) if SHOWN[id_] == shown]
        assert await asked(store, conditions=which(one)) == alike
    assert await asked(store, conditions=which(1)) == [1, 4, 14]
    assert await asked(store, conditions=which(10)) == [10]
    assert await asked(store, conditions=which(11)) == [11, 12]
    assert await asked(store, conditions=which(6)) == [6, 13]
    assert await asked(store, conditions=which(*SHOWN)) == sorted(SHOWN)
    assert await asked(store, conditions=frozenset()) == []
    former = Condition(Status.CLOSED, "success", "", Activity.SOLD, anonymised=True)
    assert await asked(store, conditions=frozenset({(10, former)})) == []
    assert await asked(store, conditions=frozenset({(30, condition_of(TOUCHED[2]))})) == []
    await store.close()


@pytest.mark.parametrize("folded", ["all", "half", "none"])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"last_by": ANN}, [2, 7, 10]),
        ({"last_by": BOB}, [5]),
        ({"last_by": 0}, [3]),
        ({"before": 4}, [1, 2, 3]),
        ({"before": 1}, []),
        ({"after": 2, "before": 5}, [3, 4]),
        ({"before": 99, "campaign": 30}, [15, 16, 17, 18]),
        ({"conditions": which(1, 2, 15, 17), "campaign": 30}, [15, 17, 18]),
        ({"conditions": which(1, 2, 15, 17), "pool": 1}, [1, 2, 4, 14]),
        ({"conditions": which(1, 2, 6), "status": Status.CLOSED}, [6, 13]),
        ({"conditions": which(1, 2, 6), "status": Status.UNPROCESSED}, [1, 4, 14]),
        ({"conditions": which(7, 10), "closure": "anonymized"}, [10]),
        ({"conditions": which(1, 2, 6), "number": 14155550002}, [2]),
        ({"conditions": which(1, 6), "number": 14155550002}, []),
        ({"conditions": which(1, 2, 6), "due_before_ms": 1}, [1, 2, 4, 14]),
        ({"conditions": which(1, 2), "last_by": ANN}, [2]),
        ({"conditions": which(1, 2, 6), "after": 1, "before": 13}, [2, 4, 6]),
        ({"conditions": which(1, 2, 6), "text": "ada"}, [1, 2, 4, 6, 13, 14]),
        ({"conditions": which(1, 2, 6), "text": "name"}, []),
    ],
)
async def test_conditions_go_with_every_other_filter(
    home: Any, store: Any, folded: str, query: dict[str, Any], found: list[int]
) -> None:
    store = await a_town(home, store, folded)
    assert await asked(store, **query) == found
    await store.close()


@pytest.mark.parametrize("folded", ["all", "half", "none"])
async def test_a_count_knows_no_limit(home: Any, store: Any, folded: str) -> None:
    store = await a_town(home, store, folded)
    assert await store.count(LeadFilter(limit=2)) == len(SHOWN)
    assert await store.count(LeadFilter(limit=1, conditions=which(1))) == 3
    await store.close()


async def test_a_lead_that_changed_counts_only_as_it_is_now(home: Any, store: Any) -> None:
    store = await a_town(home, store, "all")
    changed = [closed(1, **texted(Activity.NO_SALE, BOB)), lead(2), closed(8, "duplicate")]
    await commit(store, 4, *changed, LeadData(14, b'{"name":"Bob"}'), gone=[6])
    assert await asked(store, conditions=which(1)) == [4, 14]
    assert await asked(store, conditions=which(2)) == []
    assert await asked(store, conditions=which(17)) == [17]
    assert await asked(store, conditions=which(6)) == [13]
    assert await asked(store, last_by=BOB) == [1, 5]
    assert await asked(store, text="bob") == [14]
    assert await store.count(LeadFilter()) == len(SHOWN) - 1
    await store.close()


async def test_counting_many_goes_window_by_window(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextlead_adapters.journalled.archive.WINDOW", 7)
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 101)])
    await commit(store, 2, *[lead(i) for i in range(1, 101, 3)], gone=[50, 51, 100])
    for after in (0, 1, 6, 7, 8, 98, 99, 200):
        for before in (None, 0, 1, 8, 9, 97, 98, 99, 100, 200):
            await asked(store, after=after, before=before)
    await asked(store, conditions=which(2), after=3)


async def test_a_lead_that_moves_while_it_is_counted_counts_once(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untouched ones are touched, and folded, between and within windows."""
    monkeypatch.setattr("nextlead_adapters.journalled.archive.WINDOW", 50)
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 301)])

    async def touch() -> None:
        for no in range(2, 62):
            await commit(store, no, *[lead(i, attempts=no) for i in range(no, 301, 60)])

    touching = asyncio.create_task(touch())
    rounds = 0
    while not touching.done() or not rounds:
        assert await store.count(LeadFilter()) == 300
        assert [found.lead.id for found in await store.leads(LeadFilter(limit=999))] == list(range(1, 301))
        rounds += 1
        await asyncio.sleep(0)
    await touching


async def test_conditions_by_the_thousand(store: Any) -> None:
    """More than a statement may have values."""
    await commit(store, 1, pool(), lead(2), fresh=[fresh(1), fresh(2)])
    statuses = (Status.UNPROCESSED, Status.AUTOMATIC_REDIAL)
    many = {(campaign, Condition(status)) for campaign in range(11, 5_011) for status in statuses}
    assert await asked(store, conditions=frozenset(many)) == []
    assert await asked(store, conditions=frozenset(many | {(10, FRESH)})) == [1]


# -- a closed lead that is texted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("folded", [False, True])
async def test_a_closed_lead_may_change_and_stay_closed(home: Any, store: Any, *, folded: bool) -> None:
    # R13.3: a text to a closed lead is noted; R10.7 counts from when it closed
    await commit(store, 1, pool(), fresh=[fresh(1), fresh(2)])
    row = closed(1, closed_ms=NOON, last_commit=2)
    await commit(store, 2, row, closed(2, closed_ms=NOON + 1), events=[event(1, "resolved")])
    store = await reopen(home, store) if folded else store
    later = closed(1, closed_ms=NOON, last_commit=3, **texted(Activity.SMS_IN))
    await commit(store, 3, later, events=[event(1, "activity", 2)], at_ms=NOON + 5)
    for _ in range(2):
        assert [found.id for found in await store.closed_before(10, "success", NOON + 2, 9)] == [1, 2]
        assert await store.closed_before(10, "success", NOON + 1, 9) == [later]
        assert [found.kind for found in await store.history(1)] == ["resolved", "activity"]
        shown = frozenset({(10, condition_of(later))})
        assert await asked(store, conditions=shown) == [1]
        assert await asked(store, conditions=frozenset({(10, condition_of(row))})) == [2]
        store = await reopen(home, store)
    await store.close()


async def test_saved_filters_are_kept_by_name(home: Any, store: Any) -> None:
    # R13.4
    mine, other = SavedFilter("Sold, VIP", b'{"status":"closed"}', "of mine", "user:m", NOON), SavedFilter("17", b"{}")
    await commit(store, 1, rows={("filter", mine.name): mine, ("filter", other.name): other})
    store = await reopen(home, store)
    changed = structs.replace(mine, body=b"{}")
    await commit(store, 2, rows={("filter", mine.name): changed, ("filter", other.name): None})
    for _ in range(2):
        assert (await load(store)).rows == [("filter", changed)]
        store = await reopen(home, store)
    await store.close()


# -- what happened ---------------------------------------------------------------------------------------------------


async def a_past(store: Any) -> None:
    """Seven commits, a second apart from the third on; lead 3 comes and goes, lead 2 is of another campaign."""
    await commit(store, 1, pool(), pool(2, 20), fresh=[fresh(1), fresh(2, 2), fresh(3)], at_ms=NOON)
    await commit(store, 2, lead(1), lead(3), events=[event(1, "leased"), event(3, "leased")], at_ms=NOON)
    other = lead(2, pool=2, campaign=20)
    await commit(store, 3, lead(1), at_ms=NOON + 1_000)
    events = [event(2, "leased"), event(1, "unreached", 2), event(2, "unreached", 4)]
    await commit(store, 4, lead(1), other, events=events, at_ms=NOON + 2_000)
    await commit(store, 5, lead(2), gone=[3], events=[event(3, "removed", 2)], at_ms=NOON + 3_000)
    await commit(store, 6, closed(1), events=[event(1, "resolved", 4)], at_ms=NOON + 4_000)
    await commit(store, 7, pool(), at_ms=NOON + 5_000)


def told(happened: Any) -> tuple[list[tuple[int, str, int, int]], int]:
    """Those of lead 3, which is deleted, may be among them or not."""
    found, no = happened
    return [(x.event.lead, x.event.kind, x.campaign, x.pool) for x in found if x.event.lead != 3], no


async def test_what_happened_comes_commit_by_commit(home: Any, store: Any) -> None:
    await a_past(store)
    first = [(1, "leased", 10, 1)]
    second = [(2, "leased", 20, 2), (1, "unreached", 10, 1), (2, "unreached", 20, 2)]
    third = [(1, "resolved", 10, 1)]
    for _ in range(2):
        assert told(await store.happened(0, 99, 99)) == ([*first, *second, *third], 7)
        assert told(await store.happened(0, 4, 99)) == ([*first, *second], 4)
        assert told(await store.happened(2, 6, 99)) == ([*second, *third], 6)
        assert told(await store.happened(2, 7, 2)) == (second, 4)
        assert told(await store.happened(4, 5, 9)) == ([], 5)
        assert told(await store.happened(6, 99, 9)) == ([], 7)
        assert told(await store.happened(7, 99, 9)) == ([], 7)
        assert told(await store.happened(7, 7, 9)) == ([], 7)
        assert told(await store.happened(5, 2, 9)) == ([], 5)
        store = await reopen(home, store)
    await store.close()


async def test_all_of_the_past_in_small_steps(store: Any) -> None:
    """Also through hundreds of commits in which nothing happened."""
    await commit(store, 1, pool(), fresh=[fresh(1)])
    for no in range(2, 700):
        events = [event(1, "edited", no - 100)] if no % 100 == 0 else []
        await commit(store, no, lead(1), events=events)
    no, found = 0, []
    while no < 650:
        part, later = await store.happened(no, 650, 2)
        assert later > no
        assert len(part) == 2 or later == 650
        no, found = later, [*found, *part]
    assert [x.event.previous for x in found] == [0, 100, 200, 300, 400, 500]


async def test_a_commit_by_its_time(home: Any, store: Any) -> None:
    assert await store.commit_before(NOON) == 0
    await a_past(store)
    for _ in range(2):
        times = (NOON, NOON + 1, NOON + 1_000, NOON + 1_001, NOON + 4_500, NOON + 5_000, NOON + 5_001)
        assert [await store.commit_before(at_ms) for at_ms in times] == [0, 2, 2, 3, 6, 6, 7]
        store = await reopen(home, store)
    await store.close()


# -- who there is ----------------------------------------------------------------------------------------------------


def come(id_: int) -> dict[str, Any]:
    """Three came at a time, five seconds apart."""
    return {"created_ms": NOON + (id_ - 1) // 3 * 5_000}


@pytest.mark.parametrize("folded", [False, True])
async def test_leads_from_a_time_on(home: Any, store: Any, *, folded: bool) -> None:
    assert await store.lead_from(NOON) == 1
    await commit(store, 1, pool(), fresh=[fresh(i, **come(i)) for i in range(1, 31)])
    rows: list[Lead] = [lead(i, **come(i)) for i in range(1, 31, 2)]
    await commit(store, 2, *rows, *[closed(i, **come(i)) for i in range(2, 31, 6)])
    await commit(store, 3, gone=[1, 4, 5, 10, 11, 12, 29, 30])
    store = await reopen(home, store) if folded else store
    times = [NOON - 1, NOON, NOON + 1, NOON + 5_000, NOON + 10_000, NOON + 15_000, NOON + 45_000, NOON + 45_001]
    assert [await store.lead_from(at_ms) for at_ms in times] == [2, 2, 6, 6, 7, 13, 28, 29]
    await store.close()


@pytest.mark.parametrize("folded", [False, True])
async def test_which_leads_there_are(home: Any, store: Any, *, folded: bool) -> None:
    await commit(store, 1, pool(), fresh=[fresh(i) for i in range(1, 7)])
    await commit(store, 2, lead(1), closed(2), closed(3, "anonymized", erased=True), lead(4))
    await commit(store, 3, gone=[4, 5])
    store = await reopen(home, store) if folded else store
    assert await store.existing(range(600)) == {1, 2, 3, 6}
    assert await store.existing([4, 2, 2, 9]) == {2}
    assert await store.existing([]) == set()
    await store.close()
